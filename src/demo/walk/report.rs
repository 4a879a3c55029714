//! One line per step: for people, or as JSON for machines.

use std::time::Instant;

use serde_json::json;

use super::Stop;

/// What the walk has shown so far.
pub(super) struct Report {
    json: bool,
    begun: Instant,
    steps: usize,
    held: usize,
}

impl Report {
    pub(super) fn new(json: bool) -> Self {
        Self { json, begun: Instant::now(), steps: 0, held: 0 }
    }

    /// Does a step and prints what came of it.
    pub(super) async fn step<T>(
        &mut self,
        step: &str,
        proves: &str,
        act: impl Future<Output = Result<T, Stop>>,
    ) -> Result<T, Stop> {
        let begun = Instant::now();
        let outcome = act.await;
        let milliseconds = begun.elapsed().as_millis();
        let why = outcome.as_ref().err().map(ToString::to_string);
        self.steps += 1;
        self.held += usize::from(why.is_none());
        if self.json {
            let mut line = json!({ "step": step, "proves": proves, "held": why.is_none(), "ms": milliseconds });
            if let (Some(why), Some(line)) = (why, line.as_object_mut()) {
                line.insert("why".to_owned(), json!(why));
            }
            println!("{line}");
        } else if let Some(why) = why {
            println!("✗ {step}: {proves} — {why}");
        } else {
            println!("✓ {step}: {proves} ({milliseconds} ms)");
        }
        outcome
    }

    /// Prints the summary; tells whether every step held.
    pub(super) fn finish(self) -> bool {
        let (milliseconds, held) = (self.begun.elapsed().as_millis(), self.steps > 0 && self.held == self.steps);
        if self.json {
            println!("{}", json!({ "summary": true, "steps": self.steps, "held": held, "ms": milliseconds }));
        } else {
            let (mark, steps) = (if held { '✓' } else { '✗' }, self.steps);
            println!("{mark} {} of {steps} steps held ({milliseconds} ms)", self.held);
        }
        held
    }
}
