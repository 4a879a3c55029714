//! The auditor: every fact of the walk is in the journal, tells one story without a name, and is proved by the journal's key alone.

use std::time::Duration;

use chrono::{DateTime, Utc};
use ulid::Ulid;

use super::counter::Opened;
use super::desk::Desk;
use super::report::Report;
use super::{Stop, ensure};
use crate::demo::browser::Page;
use crate::domain::event::Kind;
use crate::journal::Fault;
use crate::journal::listing::Check;
use crate::journal::note::Verifier;

/// What the walk did, in the words of the journal.
const FACTS: [(Kind, &str); 6] = [
    (Kind::AgreementGiven, "the citizen's agreement is in the journal"),
    (Kind::MandateOpened, "the opening is in the journal"),
    (Kind::Use, "the use is in the journal: who, for whom, for what, where"),
    (Kind::CodeReplayed, "the second use of the code is in the journal"),
    (Kind::UseRefused, "the refused use is in the journal: refusals are facts too"),
    (Kind::AuthorisationRevoked, "the revocation is in the journal"),
];

/// Entries that the story of a mandate has at least: agreement, opening, use, end.
const STORY: usize = 4;

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

/// How often the list is asked for until a checkpoint covers all of it, and how long in between.
const TRIES: (u32, Duration) = (20, Duration::from_millis(500));

/// What an auditor does with the mandate that was just used: finds it, reads its story, and takes it away with its proofs.
pub(super) async fn verifies(desk: &Desk, report: &mut Report, opened: &Opened, key: &str) -> Result<(), Stop> {
    let (mandate, identity) = (&opened.mandate, opened.person.identity());
    let nameless = |page: &Page, expected: &str| {
        let named = [&identity.given_name, &identity.family_name].into_iter().any(|name| page.text().contains(name));
        ensure(!named, page, expected)
    };
    report
        .step("search", "a mandate is searched by its number, and the list names nobody", async {
            let page = desk.opens(&format!("/journal?mandate={mandate}")).await?;
            ensure(newest(&page).is_some(), &page, "the search should find the mandate's entries")?;
            nameless(&page, "the list should name nobody")
        })
        .await?;
    report
        .step("timeline", "the mandate's story is told from the agreement to its end, and names nobody", async {
            let page = desk.opens(&format!("/journal/mandates/{mandate}")).await?;
            let told = page.links().iter().filter(|link| link.url.path().starts_with("/journal/ent_")).count();
            ensure(told >= STORY, &page, "the story should have its agreement, its opening, its use and its end")?;
            nameless(&page, "the story should name nobody")
        })
        .await?;
    report
        .step("verification", "every entry of the mandate is proved by the journal's public key alone", async {
            let key: Verifier = key.parse().map_err(|fault| Stop::Broken(format!("{key:?} is no key: {fault}")))?;
            for _ in 0..TRIES.0 {
                if is_proved(&takes_away(desk, mandate).await?, &key)? {
                    return Ok(());
                }
                tokio::time::sleep(TRIES.1).await;
            }
            Err(Stop::Broken("no signed checkpoint covers the mandate's entries".to_owned()))
        })
        .await
}

/// The mandate's entries as a file, a line each.
async fn takes_away(desk: &Desk, mandate: &str) -> Result<String, Stop> {
    let page = desk.opens(&format!("/journal?mandate={mandate}")).await?;
    let form = page.form("/journal/export").ok_or_else(|| Stop::at(&page, "an export should be offered"))?;
    let file = desk.browser.submit(&form.with("format", "json")).await?;
    ensure(file.status == 200, &file, "the list should be taken away")?;
    Ok(file.body)
}

/// Whether every line holds; false if some wait for the next checkpoint.
fn is_proved(list: &str, key: &Verifier) -> Result<bool, Stop> {
    let mut lines = list.lines();
    let Some(head) = lines.next() else { return Err(Stop::Broken("the list is empty".to_owned())) };
    let wrong = |line: usize, fault: Fault| Stop::Broken(format!("line {line} of the list does not hold: {fault}"));
    let mut check = match Check::begin(head, std::slice::from_ref(key)) {
        Ok(check) => check,
        // Nothing is signed yet.
        Err(Fault::Unsigned) => return Ok(false),
        Err(fault) => return Err(wrong(1, fault)),
    };
    for (line, at) in lines.zip(2..) {
        check.take(line).map_err(|fault| wrong(at, fault))?;
    }
    check.end().map_err(|fault| wrong(list.lines().count() + 1, fault))?;
    Ok(check.waiting == 0 && check.proved > 0)
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
