//! What runs behind the journal: filling what auditors search, and looking at each day once it is over.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Data;

use crate::config::Config;
use crate::domain::civil;
use crate::domain::signal::Thresholds;
use crate::store::Error;
use crate::store::audit::{self, Letter};
use crate::web::moment::Moment;
use crate::web::state::{self, App};
use crate::web::texts::{Language, texts};

/// How often new entries are looked for. A reader does not wait for it: what is missing is copied for them.
const EVERY: Duration = Duration::from_secs(1);
/// How long after a fault.
const AFTER_A_FAULT: Duration = Duration::from_secs(10);
/// Rounds between two looks for a day that is over.
const DAYS_EVERY: u32 = 60;
/// Days looked at together.
const DAYS: usize = 7;

/// Never returns.
pub(super) async fn run(app: Data<App>) {
    let mut rounds = 0;
    loop {
        let pause = match round(&app, rounds).await {
            Ok(()) => EVERY,
            Err(error) => {
                tracing::error!(%error, "what auditors search could not be brought up to date");
                AFTER_A_FAULT
            }
        };
        rounds = (rounds + 1) % DAYS_EVERY;
        tokio::time::sleep(pause).await;
    }
}

async fn round(app: &App, rounds: u32) -> Result<(), Error> {
    audit::catch_up(&app.store, app.clock.now()).await?;
    if rounds == 0 {
        let letter = letter(&app.settings.public_url, &app.settings.name);
        let raised = audit::raise_due(&app.store, app.settings.thresholds(), letter, app.clock.now(), DAYS).await?;
        if raised > 0 {
            tracing::info!(raised, "signals were sent to organisations");
            app.bell.notify_one();
        }
    }
    Ok(())
}

/// What an organisation is written about questions that its activity raised: nothing of what they are, only where they are.
#[must_use]
pub fn letter(public_url: &str, service: &str) -> Letter {
    let (t, link, service) = (texts(Language::Fr), format!("{public_url}/signals"), service.to_owned());
    Arc::new(move |until| {
        let until = Moment(until, civil::FIGURES).day(t);
        (t.signals_mail_subject(&service), t.signals_mail_text(until, &link))
    })
}

/// From when on something in the journal asks for an explanation.
#[must_use]
pub const fn thresholds(config: &Config) -> Thresholds {
    state::thresholds(&config.audit)
}
