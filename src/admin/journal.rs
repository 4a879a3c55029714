//! `journal list`: the clear parts, oldest first. Nothing about a person is in them.

use serde_json::json;

use super::{Desk, Failure, output};
use crate::cli::Entries;
use crate::domain::event::{Event, Kind};
use crate::store::Error;
use crate::store::journal::{self, Filter};

pub(super) async fn list(desk: &Desk, asked: Entries) -> Result<(), Failure> {
    let filter = Filter {
        from: asked.from,
        until: asked.to,
        kind: asked.kind,
        organisation: asked.organisation,
        actor: asked.mediator,
        mandate: asked.mandate,
    };
    let (after, limit) = (asked.after, i64::from(asked.limit));
    let read = Event::new(Kind::JournalRead, desk.clock.now()).fact("channel", "command_line");
    let listing = desk.store.write(move |tx| {
        let entries = journal::list_forward(tx, &filter, after.as_ref(), limit)?;
        journal::record(tx, &read)?;
        Ok::<_, Error>(entries)
    });
    let entries = listing.await?;
    if asked.output.json {
        for entry in &entries {
            println!("{}", String::from_utf8_lossy(&entry.clear));
        }
        return Ok(());
    }
    let rows: Vec<_> = entries
        .iter()
        .map(|entry| json!({ "at": entry.at.to_rfc3339(), "kind": entry.kind.code(), "id": entry.id.as_str() }))
        .collect();
    output::many(false, &rows, "no entry matches");
    Ok(())
}
