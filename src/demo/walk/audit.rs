//! The auditor: every fact of the walk is in the journal.

use chrono::{DateTime, Utc};
use ulid::Ulid;

use super::counter::Opened;
use super::desk::Desk;
use super::report::Report;
use super::{Stop, ensure};
use crate::demo::browser::Page;
use crate::domain::event::Kind;

/// What the walk did, in the words of the journal.
const FACTS: [(Kind, &str); 6] = [
    (Kind::AgreementGiven, "the citizen's agreement is in the journal"),
    (Kind::MandateOpened, "the opening is in the journal"),
    (Kind::Use, "the use is in the journal: who, for whom, for what, where"),
    (Kind::CodeReplayed, "the second use of the code is in the journal"),
    (Kind::UseRefused, "the refused use is in the journal: refusals are facts too"),
    (Kind::AuthorisationRevoked, "the revocation is in the journal"),
];

/// Declares a purpose, then looks for every fact since the walk began.
pub(super) async fn finds_every_fact(
    desk: &Desk,
    report: &mut Report,
    opened: &Opened,
    begun: DateTime<Utc>,
) -> Result<(), Stop> {
    report
        .step("purpose", "the journal opens only to an auditor who says what for", async {
            let closed = desk.browser.get(desk.at("/journal")).await?;
            ensure(closed.status != 200, &closed, "the journal should be closed before a purpose is given")?;
            let page = desk.opens("/journal/purpose").await?;
            let form = page.form("/journal/purpose").ok_or_else(|| Stop::at(&page, "a purpose should be asked for"))?;
            let purpose =
                form.choices("purpose").first().map_or("Démonstration du parcours", |choice| choice).to_owned();
            let page = desk.browser.submit_and_follow(&form.with("purpose", &purpose)).await?;
            ensure(page.status == 200 && page.url.path() == "/journal", &page, "the journal should open")
        })
        .await?;
    for (kind, proves) in FACTS {
        report.step(kind.code(), proves, finds(desk, opened, kind, begun)).await?;
    }
    Ok(())
}

async fn finds(desk: &Desk, opened: &Opened, kind: Kind, begun: DateTime<Utc>) -> Result<(), Stop> {
    let (code, mandate) = (kind.code(), &opened.mandate);
    let of_mandate = desk.opens(&format!("/journal?kind={code}&mandate={mandate}")).await?;
    // Some facts come before the mandate has an identifier.
    let page =
        if newest(&of_mandate).is_some() { of_mandate } else { desk.opens(&format!("/journal?kind={code}")).await? };
    let entry = newest(&page).filter(|entry| is_since(entry, begun));
    let entry = entry.ok_or_else(|| Stop::at(&page, &format!("there should be an entry {code}")))?;
    desk.opens(&format!("/journal/{entry}")).await.map(|_| ())
}

/// The youngest entry of the page: identifiers begin with their instant.
fn newest(page: &Page) -> Option<String> {
    let links = page.links();
    let entries = links.iter().filter_map(|link| link.url.path().strip_prefix("/journal/"));
    entries.filter(|id| id.starts_with("ent_")).max().map(ToOwned::to_owned)
}

fn is_since(entry: &str, begun: DateTime<Utc>) -> bool {
    let id = entry.strip_prefix("ent_").and_then(|id| Ulid::from_string(id).ok());
    id.is_some_and(|id| i64::try_from(id.timestamp_ms()).is_ok_and(|at| at >= begun.timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_tells_by_its_identifier_whether_it_is_younger_than_the_walk() {
        let begun: DateTime<Utc> = "2026-03-02T09:00:00Z".parse().unwrap();
        let entry = |milliseconds: i64| {
            let at = u64::try_from(begun.timestamp_millis() + milliseconds).unwrap();
            format!("ent_{}", Ulid::from_parts(at, 7))
        };
        assert!(is_since(&entry(0), begun) && is_since(&entry(1), begun));
        assert!(!is_since(&entry(-1), begun) && !is_since("ent_", begun) && !is_since("purpose", begun));
    }
}
