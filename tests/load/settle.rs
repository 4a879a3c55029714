//! What a journal of years has beside its entries: positions, tiles, a signed checkpoint, and the auditors' copy. A service that has just
//! been given millions of entries would make them while it is measured.

use std::sync::Arc;
use std::time::Instant;

use mandataire::app::block_on;
use mandataire::app::sequencer::{Sequencer, Step};
use mandataire::clock::{Clock, Random};
use mandataire::journal::note::{Purpose, Signer};
use mandataire::store::{Error, Location, Store, audit, log};

use crate::generate::MASTER_KEY;
use crate::http::Outcome;
use crate::{installation, serve};

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// The key that signs the journal of the load.
pub(crate) fn signer() -> Outcome<Signer> {
    Signer::new("load.example.fr/log", Purpose::Note, &MASTER_KEY).map_err(text)
}

/// The last checkpoint of a database.
pub(crate) fn last(location: &Location) -> Outcome<Option<String>> {
    let store = Store::open(location, 1, &MASTER_KEY, Random::system()).map_err(text)?;
    let last = block_on(async move { store.read(log::latest).await }).map_err(text)?;
    Ok(last.map(|last| last.note))
}

/// Signs and copies what waits; nothing if all of it was done.
pub(crate) fn all(location: &Location) -> Outcome<()> {
    let (random, clock, began) = (Random::system(), Clock::system(), Instant::now());
    let store = Store::open(location, 2, &MASTER_KEY, random.clone()).map_err(text)?;
    let remembered = serve::folder().join("settle.signed");
    installation::remembers(&remembered, last(location)?.as_deref())?;
    let sequencer = Sequencer::new(store.clone(), clock.clone(), signer()?, &remembered, Arc::default(), &random);
    let mut sequencer = sequencer.map_err(text)?;
    block_on(async move {
        while sequencer.step().await.map_err(text)? != Step::Idle {}
        let (signed, began) = (began.elapsed(), Instant::now());
        let mut copied = 0;
        loop {
            let now = clock.now();
            let done = store.write(move |tx| audit::digest(tx, now)).await.map_err(|error: Error| text(error))?;
            copied += done.copied;
            if !done.more {
                break;
            }
        }
        if copied > 0 {
            eprintln!("signed in {signed:.0?}, {copied} entries copied for auditors in {:.0?}", began.elapsed());
        }
        Ok(())
    })
}
