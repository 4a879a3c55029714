//! The key of the journal: made once, read at each start.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use actix_web::web::Data;

use super::Sequencer;
use crate::app::StartError;
use crate::clock::Random;
use crate::config::Journal;
use crate::journal::note::{Purpose, Signer};
use crate::store::log;
use crate::web::state::App;

/// How often the entries without a position are counted.
const COUNTED: Duration = Duration::from_secs(10);
/// Counted no further than this.
const MANY: i64 = 100_000;

/// Makes a key for a journal of this name, or for a witness, in a new file; answers the public key.
///
/// # Errors
/// The name cannot stand in a signature, or the file cannot be made.
pub fn new_key(origin: &str, purpose: Purpose, path: &Path, random: &Random) -> Result<String, StartError> {
    let wrong = |why: String| match purpose {
        Purpose::Note => StartError::Journal(why),
        Purpose::Cosignature => StartError::Witness(why),
    };
    let signer = Signer::new(origin, purpose, &random.bytes());
    let signer = signer.map_err(|_| {
        wrong(format!("{origin:?} is no name for it: write one without spaces and plus signs, as example.fr/log"))
    })?;
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let written = made.and_then(|mut file| {
        file.write_all(format!("{}\n", signer.secret().as_str()).as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| wrong(format!("{} cannot be made: {error}", path.display())))?;
    Ok(signer.verifier().to_string())
}

/// Starts the sequencer, if there is a key.
///
/// # Errors
/// The key is none, or what was signed last cannot be read.
pub fn start(app: &Data<App>, config: &Journal) -> Result<(), StartError> {
    let (Some(key), Some(remembered)) = (config.key()?, config.remembered()) else { return Ok(()) };
    let signer = Signer::parse(&key).map_err(|fault| StartError::Journal(format!("journal.key_file: {fault}")))?;
    tracing::info!(key = %signer.verifier(), "the journal is signed");
    let (store, clock) = (app.signs.clone(), app.clock.clone());
    let sequencer = Sequencer::new(store.clone(), clock, signer, &remembered, app.signing.clone(), &app.random);
    let sequencer = sequencer.map_err(|trouble| StartError::Journal(trouble.to_string()))?;
    actix_web::rt::spawn(sequencer.run());
    actix_web::rt::spawn(async move {
        loop {
            if let Ok(pending) = store.read(|db| log::pending(db, MANY)).await {
                metrics::gauge!("journal_pending").set(f64::from(u32::try_from(pending).unwrap_or(u32::MAX)));
            }
            tokio::time::sleep(COUNTED).await;
        }
    });
    Ok(())
}
