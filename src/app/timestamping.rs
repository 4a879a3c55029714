//! Has an authority timestamp the journal's checkpoint once in a while (RFC 3161), and keeps its reply.

use std::time::Duration;

use actix_web::web::Data;
use chrono::TimeDelta;
use url::Url;

use super::StartError;
use crate::clock::{Clock, Random};
use crate::config::Journal;
use crate::domain::event::{Event, Kind};
use crate::journal::leaf::sha256;
use crate::journal::line::hex;
use crate::journal::{Fault, timestamp};
use crate::oidc::http::{self, Client};
use crate::store::{self, Store, log, vouched};
use crate::web::state::{App, Signing};

/// How often it is looked whether one is due; and the least time between two attempts.
const LOOKED: Duration = Duration::from_secs(10);
/// The longest time between two attempts.
const LONGEST: Duration = Duration::from_mins(30);
/// What the alarm is called.
const NAME: &str = "timestamps";

/// Why there is no timestamp.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// It does not answer.
    #[error("the authority {0}")]
    Silent(#[from] http::Error),
    /// It answers with a status that says no.
    #[error("the authority refused with status {0}")]
    Refused(u16),
    /// Its reply is not one to what was asked.
    #[error("the authority's reply cannot be kept: {0}")]
    Reply(#[from] Fault),
    /// The database.
    #[error("{0}")]
    Store(#[from] store::Error),
}

/// Asks one authority.
pub struct Timestamper {
    store: Store,
    clock: Clock,
    random: Random,
    address: Url,
    client: Client,
    every: TimeDelta,
}

impl Timestamper {
    /// One that asks the authority at this address, so often.
    ///
    /// # Errors
    /// It cannot be called from this machine.
    pub fn new(
        store: Store,
        clock: Clock,
        random: Random,
        address: Url,
        every: TimeDelta,
    ) -> Result<Self, http::Error> {
        let client = Client::new(&address)?;
        Ok(Self { store, clock, random, address, client, every })
    }

    /// One step: a timestamp, if one is due and something was signed since the last. Answers the size of the tree it is of.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn step(&self) -> Result<Option<u64>, Trouble> {
        let standing = self.store.read(|db| Ok::<_, store::Error>((log::latest(db)?, vouched::last_timestamp(db)?)));
        let (Some(last), had) = standing.await? else { return Ok(None) };
        let now = self.clock.now();
        if had.is_some_and(|(size, at)| size >= last.size || now - at < self.every) {
            return Ok(None);
        }
        let hash = sha256(&[last.note.as_bytes()]);
        let nonce = u64::from_be_bytes(self.random.bytes());
        let request = timestamp::request(&hash, nonce);
        let answer = self.client.post(&self.address, "application/timestamp-query", request).await?;
        if answer.status().as_u16() != 200 {
            return Err(Trouble::Refused(answer.status().as_u16()));
        }
        let reply = answer.into_body();
        let said = timestamp::check(&reply, &hash, nonce)?;
        tracing::info!(size = last.size, said, "the journal was timestamped");
        let event = Event::new(Kind::JournalTimestamped, now)
            .fact("size", last.size.to_string())
            .fact("reply", hex(&sha256(&[&reply])));
        self.store.write(move |tx| vouched::keep_timestamp(tx, last.size, &reply, &event)).await?;
        Ok(Some(last.size))
    }

    /// Whether the last timestamp is so old that somebody must look.
    async fn is_late(&self) -> bool {
        let last = self.store.read(vouched::last_timestamp).await;
        last.is_ok_and(|last| last.is_none_or(|(_, at)| self.clock.now() - at > self.every * 2))
    }

    async fn run(self, signing: std::sync::Arc<Signing>) {
        let mut failures = 0;
        loop {
            tokio::time::sleep(LOOKED.saturating_mul(2_u32.saturating_pow(failures)).min(LONGEST)).await;
            if signing.now().elsewhere {
                signing.alarms(NAME, None);
                continue;
            }
            let alarm = match self.step().await {
                Ok(_) => {
                    failures = 0;
                    None
                }
                Err(trouble) => {
                    failures = failures.saturating_add(1);
                    tracing::error!(%trouble, "the journal was not timestamped");
                    self.is_late().await.then(|| format!("the journal is not timestamped: {trouble}"))
                }
            };
            metrics::gauge!("journal_timestamp_alarm").set(if alarm.is_some() { 1.0 } else { 0.0 });
            signing.alarms(NAME, alarm);
        }
    }
}

/// Starts asking the authority of a configuration, if there is one.
///
/// # Errors
/// It cannot be called from this machine.
pub fn start(app: &Data<App>, config: &Journal) -> Result<(), StartError> {
    let Some(address) = config.timestamp_url.clone().filter(|_| config.key_file.is_some()) else { return Ok(()) };
    let every = TimeDelta::hours(config.timestamp_hours);
    let asks = Timestamper::new(app.store.clone(), app.clock.clone(), app.random.clone(), address, every);
    let asks = asks.map_err(|error| StartError::Witness(format!("journal.timestamp_url: the authority {error}")))?;
    actix_web::rt::spawn(asks.run(app.signing.clone()));
    Ok(())
}
