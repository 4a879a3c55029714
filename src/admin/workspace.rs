//! What auditors have before them, at the command line: signals, findings, inquiries. What somebody wrote about them is sealed, and read on
//! their pages only.

use serde_json::{Value, json};

use super::journal::recorded;
use super::{Desk, Failure, output};
use crate::app;
use crate::cli::{Listing, Purpose};
use crate::config::Config;
use crate::domain::civil;
use crate::domain::inquiry::Standing;
use crate::store::audit::{self, Seen};
use crate::store::{Db, Error};

/// Looks again at a day that is over.
pub(super) async fn look(
    desk: &Desk,
    config: &Config,
    date: chrono::NaiveDate,
    purpose: Purpose,
) -> Result<(), Failure> {
    let (day, now) = (civil::number(date), desk.clock.now());
    if day >= civil::day(now, civil::FIGURES) {
        return Err(Failure::Said(format!("{date} is not over")));
    }
    let facts = vec![("page", "signals".to_owned()), ("day", date.to_string())];
    recorded(desk, purpose, facts, |_| Ok(())).await?;
    let letter = app::letter(&config.public_url, &config.name);
    let raised = audit::look_at_a_day(&desk.store, day, app::thresholds(config), letter, now).await?;
    println!("{raised} new signals were sent to organisations");
    Ok(())
}

/// Those that came before the auditors.
pub(super) async fn signals(desk: &Desk, asked: Listing) -> Result<(), Failure> {
    let (seen, limit) = (Seen::ByAuditors(desk.clock.now()), asked.limit.into());
    let found = listed(desk, &asked, "signals", move |db| audit::signals(db, &seen, None, limit)).await?;
    let row = |(one, _): &audit::Answered| {
        json!({
            "id": one.id.as_str(), "rule": one.found.rule.code(), "about": one.found.subject,
            "organisation": one.organisation.as_str(), "day": civil::date(one.day).to_string(), "times": one.found.times,
            "answered_at": one.answered.as_ref().map(|(at, _)| at.to_rfc3339()),
            "answered_by": one.answered.as_ref().map(|(_, by)| by.as_str()),
        })
    };
    output::many(asked.output.json, &found.iter().map(row).collect::<Vec<Value>>(), "nothing came before the auditors");
    Ok(())
}

/// What auditors concluded.
pub(super) async fn findings(desk: &Desk, asked: Listing) -> Result<(), Failure> {
    let limit = asked.limit.into();
    let found = listed(desk, &asked, "findings", move |db| audit::findings(db, None, None, limit)).await?;
    let row = found.iter().map(|(one, entry)| {
        json!({
            "id": one.id.as_str(), "at": one.at.to_rfc3339(), "auditor": one.account.as_str(), "about": one.about,
            "entry": entry.as_str(),
        })
    });
    output::many(asked.output.json, &row.collect::<Vec<Value>>(), "nothing was concluded");
    Ok(())
}

/// Who asked for an identity.
pub(super) async fn inquiries(desk: &Desk, asked: Listing) -> Result<(), Failure> {
    let (limit, now) = (asked.limit.into(), desk.clock.now());
    let found = listed(desk, &asked, "inquiries", move |db| audit::inquiries(db, None, None, limit)).await?;
    let row = found.iter().map(|(one, entry)| {
        let standing = match one.standing(now) {
            Standing::Waiting => "waiting",
            Standing::Open(_) => "open",
            Standing::Lapsed => "lapsed",
            Standing::Declined => "declined",
            Standing::Closed => "closed",
        };
        json!({
            "id": one.id.as_str(), "at": one.asked_at.to_rfc3339(), "auditor": one.asked_by.as_str(),
            "citizen": one.citizen.as_str(), "ground": one.ground.code(), "standing": standing,
            "decided_by": one.decision.as_ref().map(|decision| decision.by.as_str()), "entry": entry.as_str(),
        })
    });
    output::many(asked.output.json, &row.collect::<Vec<Value>>(), "nobody asked for an identity");
    Ok(())
}

async fn listed<T, F>(desk: &Desk, asked: &Listing, page: &str, read: F) -> Result<T, Failure>
where
    T: Send + 'static,
    F: FnOnce(&mut Db<'_>) -> Result<T, Error> + Send + 'static,
{
    recorded(desk, asked.purpose, vec![("page", page.to_owned())], read).await
}
