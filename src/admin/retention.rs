//! `retention run`: what a running service does every night.

use serde_json::json;

use super::{Desk, Failure, output};
use crate::app::retention::{Line, Periods, Run};
use crate::config::Config;
use crate::store::{Location, Store};

pub(super) async fn run(desk: &Desk, config: &Config, dry: bool, json: bool) -> Result<(), Failure> {
    let periods = Periods::from(&config.retention);
    let run = Run::new(desk.store.clone(), desk.clock.clone(), &desk.random, periods, dry);
    let Some(lines) = run.report().await? else {
        return Err(Failure::Said("another node runs the retention: look again in a few minutes".to_owned()));
    };
    let idle = |line: &Line| line.archived + line.destroyed + line.purged + line.held + line.busy == 0;
    let rows: Vec<_> = lines.iter().filter(|line| json || !idle(line)).map(|line| row(line, dry)).collect();
    output::many(json, &rows, "nothing is due");
    if !dry && !Store::settle(Location::parse(config.database.url())?).await? {
        return Err(Failure::Said(
            "the log of the database could not be emptied while somebody reads: what was deleted may still be in it; run again".to_owned(),
        ));
    }
    Ok(())
}

fn row(line: &Line, dry: bool) -> serde_json::Value {
    json!({
        "what": line.what,
        "archived": line.archived,
        "destroyed": line.destroyed,
        "purged": line.purged,
        "held": line.held,
        "busy": line.busy,
        "dry_run": dry,
    })
}
