//! `demo --walk`: the whole journey over HTTP against the running demonstration, in the place of a mediator, a citizen
//! and an auditor. Every line says what it proves; the walk knows nothing of the inside.

mod audit;
mod counter;
mod desk;
mod report;
mod service;

use url::Url;

use super::browser::{Failure, Page};
use desk::Desk;
use report::Report;

/// Who signs in during the walk, by e-mail address, and the key that the auditor believes. Both have an authenticator.
#[derive(Debug, Clone)]
pub struct People {
    /// A mediator who may open mandates for housing.
    pub mediator: String,
    /// An auditor.
    pub auditor: String,
    /// The public key of the journal.
    pub journal: String,
}

/// The three sites, by their origins.
#[derive(Debug, Clone)]
struct Sites {
    mandataire: Url,
    franceconnect: Url,
    public_service: Url,
}

/// Why the walk stops.
#[derive(Debug, thiserror::Error)]
enum Stop {
    #[error("{0}")]
    Browser(#[from] Failure),
    #[error("{0}")]
    Broken(String),
}

impl Stop {
    /// The page is not the one that was expected.
    fn at(page: &Page, expected: &str) -> Self {
        let text: String = page.text().chars().take(300).collect();
        Self::Broken(format!("{expected}, but {} answered {}: {text}", page.url.path(), page.status))
    }
}

/// Goes on only if the condition holds.
fn ensure(condition: bool, page: &Page, expected: &str) -> Result<(), Stop> {
    if condition { Ok(()) } else { Err(Stop::at(page, expected)) }
}

/// Walks through everything, prints one line per step, and tells whether every step held.
///
/// `base`, `franceconnect` and `public_service` are the addresses of the three sites of the demonstration.
pub async fn walk(base: &Url, franceconnect: &Url, public_service: &Url, people: &People, json: bool) -> bool {
    let mut report = Report::new(json);
    let sites = Sites {
        mandataire: base.clone(),
        franceconnect: franceconnect.clone(),
        public_service: public_service.clone(),
    };
    // A stop is already on the report.
    let _ = journey(&mut report, sites, people).await;
    report.finish()
}

async fn journey(report: &mut Report, sites: Sites, people: &People) -> Result<(), Stop> {
    let begun = chrono::Utc::now();
    let mut mediator = Desk::new(sites.clone(), "mediator", &people.mediator)?;
    mediator.arrives(report).await?;
    let opened = counter::opens_a_mandate(&mut mediator, report).await?;
    service::uses_it(&mut mediator, report, &opened).await?;
    counter::revokes(&mediator, report, &opened).await?;
    service::cannot_use_it_again(&mut mediator, report, &opened).await?;
    mediator.leaves(report).await?;
    let mut auditor = Desk::new(sites, "auditor", &people.auditor)?;
    auditor.arrives(report).await?;
    audit::finds_every_fact(&auditor, report, &opened, begun).await?;
    audit::verifies(&auditor, report, &opened, &people.journal).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_walk_through_nothing_does_not_hold() {
        // A port that was just given back: nothing listens there.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let nowhere = Url::parse(&format!("http://127.0.0.1:{port}")).unwrap();
        let people =
            People { mediator: "a@example.fr".to_owned(), auditor: "b@example.fr".to_owned(), journal: String::new() };
        assert!(!walk(&nowhere, &nowhere, &nowhere, &people, true).await);
    }
}
