//! Logs: what we say of ourselves while running, on standard error. Identifiers only, never a name, a token or a code.

use std::io::{self, IsTerminal};

use tracing::Dispatch;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::config::{Log, LogFormat, LogLevel};

/// Starts writing logs. Once per process.
///
/// # Errors
/// If something in this process already writes them.
pub fn start(log: Log) -> Result<(), TryInitError> {
    lines(log, io::stderr, io::stderr().is_terminal()).try_init()
}

/// What writes the lines, wherever they go; in colours only where somebody looks at them, never in a file.
#[must_use]
pub fn lines<W>(log: Log, writer: W, colours: bool) -> Dispatch
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    // A line that cannot be written is lost. Saying so would need standard error too: where nobody reads it any more, that panics.
    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter(log.level)))
        .with_writer(writer)
        .with_ansi(colours)
        .log_internal_errors(false);
    match log.format {
        LogFormat::Text => Dispatch::new(lines.finish()),
        LogFormat::Json => Dispatch::new(lines.json().flatten_event(true).finish()),
    }
}

/// The level is for our own events and the requests we answer. The libraries below us speak only when something is
/// wrong: in detail, they would write headers and bodies, with the tokens in them.
fn filter(level: LogLevel) -> String {
    let (ours, others) = match level {
        LogLevel::Error => ("error", "error"),
        LogLevel::Warn => ("warn", "warn"),
        LogLevel::Info => ("info", "warn"),
        LogLevel::Debug => ("debug", "warn"),
        LogLevel::Trace => ("trace", "warn"),
    };
    format!("{others},mandataire={ours},tracing_actix_web={ours}")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, PoisonError};

    use super::*;

    #[derive(Clone, Default)]
    struct File(Arc<Mutex<Vec<u8>>>);

    impl io::Write for File {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_file_holds_no_codes_of_colours() {
        let written = |colours| {
            let file = File::default();
            let copy = file.clone();
            let log = Log { format: LogFormat::Text, level: LogLevel::Info };
            let lines = lines(log, move || copy.clone(), colours);
            tracing::dispatcher::with_default(&lines, || tracing::warn!(target: "mandataire", "a line"));
            String::from_utf8(file.0.lock().unwrap().clone()).unwrap()
        };
        assert!(written(true).contains('\u{1b}') && written(false).contains("a line"));
        assert!(!written(false).contains('\u{1b}'));
    }

    #[test]
    fn libraries_never_speak_in_detail() {
        for level in [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace] {
            let filter = filter(level);
            assert!(EnvFilter::try_new(&filter).is_ok(), "{filter}");
            assert!(filter.starts_with("warn,") || filter.starts_with("error,"), "{filter}");
        }
    }
}
