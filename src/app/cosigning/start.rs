//! One task for each witness, on the node that signs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web::Data;
use chrono::TimeDelta;
use url::Url;

use super::{Cosigner, Rounds, Step, Trouble, pause};
use crate::app::StartError;
use crate::config::Journal;
use crate::journal::note::{Purpose, Signer, Verifier};
use crate::store::vouched::Trust;
use crate::web::state::{App, Signing};

/// How often an alarm that lasts is said again.
const SAID_AGAIN: Duration = Duration::from_mins(10);

fn wrong(key: &str, why: impl std::fmt::Display) -> StartError {
    StartError::Witness(format!("journal.witnesses has {key}: {why}"))
}

/// The witnesses of a configuration, and where each is.
fn witnesses(config: &Journal) -> Result<Vec<(Verifier, Url)>, StartError> {
    let mut found: Vec<(Verifier, Url)> = Vec::new();
    for one in &config.witnesses {
        let key = one.key.parse::<Verifier>().map_err(|fault| wrong(&one.key, fault))?;
        if key.purpose() != Purpose::Cosignature {
            return Err(wrong(&one.key, "that is the key of a log, not of a witness"));
        }
        // A cosignature does not say whose it is: one key under two names would count twice.
        if found.iter().any(|(other, _)| other.is_same_key(&key) || other.name() == key.name()) {
            return Err(wrong(&one.key, "its name or its key is there twice, and a witness counts once"));
        }
        found.push((key, one.url.clone()));
    }
    Ok(found)
}

/// Whom a configuration believes.
///
/// # Errors
/// One of the witnesses cannot be one.
pub fn trust(config: &Journal) -> Result<Trust, StartError> {
    let witnesses = witnesses(config)?.into_iter().map(|(key, _)| key).collect();
    Ok(Trust { witnesses, needed: config.witnesses_needed, silence: TimeDelta::minutes(config.witness_silence) })
}

/// Starts asking the witnesses of a configuration. A node that signs nothing only shows how far they are.
///
/// # Errors
/// One of them cannot be one.
pub fn start(app: &Data<App>, config: &Journal) -> Result<(), StartError> {
    let Some(ours) = config.key()?.and_then(|key| Signer::parse(&key).ok()) else { return Ok(()) };
    let every = Duration::from_secs(config.witness_every);
    // A little shorter, so that nobody misses the next one for a moment.
    let rounds = Arc::new(Rounds::of(every.mul_f64(0.75)));
    for (key, url) in witnesses(config)? {
        if key.is_same_key(ours.verifier()) {
            return Err(wrong(&key.to_string(), "that is our own key: nobody vouches for themselves"));
        }
        let name = key.to_string();
        let cosigner = Cosigner::new(app.signs.clone(), app.clock.clone(), key, &url);
        let cosigner = cosigner.map_err(|error| wrong(&name, format!("it {error}")))?.in_rounds(rounds.clone());
        actix_web::rt::spawn(run(cosigner, app.signing.clone(), every, app.trust.silence));
    }
    Ok(())
}

async fn run(mut cosigner: Cosigner, signing: Arc<Signing>, every: Duration, silence: TimeDelta) {
    let (mut failures, mut said) = (0, None);
    loop {
        tokio::time::sleep(pause(every, failures)).await;
        // Another node asks. What is the matter there is said there.
        if signing.now().elsewhere {
            signing.alarms(cosigner.name(), None);
            failures = 0;
            continue;
        }
        let step = cosigner.step().await;
        failures = if step.is_ok() { 0 } else { failures.saturating_add(1) };
        show(&cosigner, &step, &signing, silence, &mut said).await;
    }
}

async fn show(
    cosigner: &Cosigner,
    step: &Result<Step, Trouble>,
    signing: &Signing,
    silence: TimeDelta,
    said: &mut Option<Instant>,
) {
    let name = cosigner.name();
    let alarm = match step {
        Ok(step) => {
            if let Step::Cosigned(size) = step {
                #[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
                let size = *size as f64;
                metrics::gauge!("journal_witnessed_size", "witness" => name.to_owned()).set(size);
            }
            None
        }
        Err(trouble) => {
            metrics::counter!("journal_witness_failures_total", "witness" => name.to_owned()).increment(1);
            tracing::debug!(witness = name, %trouble, "not cosigned");
            cosigner.alarm(trouble, silence).await
        }
    };
    let alarm = alarm.or_else(|| cosigner.suspicion());
    metrics::gauge!("journal_witness_alarm", "witness" => name.to_owned()).set(if alarm.is_some() { 1.0 } else { 0.0 });
    match &alarm {
        Some(alarm) if said.is_none_or(|at| at.elapsed() > SAID_AGAIN) => {
            tracing::error!(witness = name, alarm, "the journal is not witnessed");
            *said = Some(Instant::now());
        }
        None if said.take().is_some() => tracing::info!(witness = name, "the journal is witnessed again"),
        Some(_) | None => {}
    }
    signing.alarms(name, alarm);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Witness;

    #[test]
    fn a_key_vouches_once_and_nobody_for_themselves() {
        let named = |name: &str, purpose, seed| Signer::new(name, purpose, &[seed; 32]).unwrap().verifier().to_string();
        let with = |keys: &[String]| {
            let url: Url = "https://w.example.org".parse().unwrap();
            let witnesses = keys.iter().map(|key| Witness { key: key.clone(), url: url.clone() }).collect();
            trust(&Journal { witnesses, ..Journal::default() })
        };
        let one = named("w1.example.org", Purpose::Cosignature, 1);
        let other = named("w2.example.org", Purpose::Cosignature, 2);
        assert_eq!(with(&[one.clone(), other.clone()]).unwrap().witnesses.len(), 2);
        for (keys, why) in [
            ([one.clone(), named("w2.example.org", Purpose::Cosignature, 1)], "twice"),
            ([one.clone(), named("w1.example.org", Purpose::Cosignature, 2)], "twice"),
            ([one.clone(), named("log.example.fr", Purpose::Note, 3)], "the key of a log"),
            ([one.clone(), other.replace("+B", "+C")], "journal.witnesses has"),
        ] {
            let refusal = with(&keys).err().unwrap().to_string();
            assert!(refusal.contains(why), "{refusal}");
        }
    }
}
