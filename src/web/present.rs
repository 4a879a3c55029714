//! From the domain to the words and badges of a page.

use std::collections::HashMap;

use super::parts::{Badge, CitizenRow, Outcome as Shown, Pages, UseLine};
use super::screen::Screen;
use super::texts::Texts;
use crate::domain::Instant;
use crate::domain::id::{AccountId, UseId};
use crate::domain::mandate::{EndingKind, Mandate, Standing};
use crate::domain::outcome::{Outcome, Use};
use crate::store::citizens::Line;
use crate::store::{Db, Error, accounts, clients};
use crate::web::moment::birthdate;

/// How many days before its end a mandate is said to end soon.
pub const SOON: chrono::TimeDelta = chrono::TimeDelta::days(7);

/// The badge of a standing.
#[must_use]
pub fn badge(standing: Standing, expires_at: Instant, now: Instant) -> Badge {
    match standing {
        Standing::Active if expires_at < now + SOON => Badge::Ending,
        Standing::Active => Badge::Live,
        Standing::Expired | Standing::Ended(EndingKind::Expired | EndingKind::PresenceEnded) => Badge::Ended,
        Standing::Ended(EndingKind::Revoked) => Badge::Revoked,
        Standing::Ended(EndingKind::Replaced) => Badge::Replaced,
    }
}

/// Short titles of the live procedures of some mandates, in the order of the screens.
#[must_use]
pub fn live_titles<'m>(mandates: impl Iterator<Item = &'m Mandate>, now: Instant, t: &Texts) -> Vec<String> {
    let mut live: Vec<_> = mandates.flat_map(|one| one.live(now).map(|part| part.procedure)).collect();
    live.sort_unstable();
    live.dedup();
    live.into_iter().map(|procedure| t.procedure(procedure).short.to_owned()).collect()
}

/// A person in a list, with what the organisation holds of them.
#[must_use]
pub fn row(line: &Line, mandates: &[Mandate], now: Instant, screen: &Screen) -> CitizenRow {
    let citizen = &line.citizen;
    let theirs = || mandates.iter().filter(|one| one.citizen == citizen.id);
    let nearest = theirs().filter(|one| one.standing(now) == Standing::Active).map(|one| one.expires_at).min();
    CitizenRow {
        id: citizen.id.to_string(),
        name: citizen.identity.full_name(),
        birthdate: birthdate(&citizen.identity.birthdate, screen.t()),
        procedures: live_titles(theirs(), now, screen.t()),
        ends: Some(screen.moment(nearest.unwrap_or(line.last_end))),
    }
}

/// Uses on a page.
pub const USES: usize = 50;

/// Takes the surplus off a list of uses, and says where the rest of it is.
#[must_use]
pub fn use_pages(base: &str, after: Option<&UseId>, uses: &mut Vec<Use>) -> Pages {
    let more = uses.len() > USES;
    uses.truncate(USES);
    let next = uses.last().filter(|_| more).map(|last| format!("{base}?after={}#uses", last.id));
    Pages { first: after.map(|_| format!("{base}#uses")), next }
}

/// Names that uses refer to.
pub struct Names {
    accounts: HashMap<AccountId, String>,
    clients: HashMap<String, String>,
}

impl Names {
    /// The names behind some uses, in two queries.
    ///
    /// # Errors
    /// The database fails.
    pub fn of(db: &mut Db<'_>, uses: &[Use]) -> Result<Self, Error> {
        let mut ids: Vec<AccountId> = uses.iter().map(|one| one.account.clone()).collect();
        ids.sort();
        ids.dedup();
        let mut clients: Vec<String> = uses.iter().map(|one| one.client.clone()).collect();
        clients.sort();
        clients.dedup();
        Ok(Self { accounts: accounts::names(db, &ids)?, clients: clients::names(db, &clients)? })
    }

    /// The name of a client; its identifier if it is no longer known.
    #[must_use]
    pub fn client(&self, id: &str) -> String {
        self.clients.get(id).cloned().unwrap_or_else(|| id.to_owned())
    }

    /// A use as a list shows it.
    #[must_use]
    pub fn line(&self, used: &Use, screen: &Screen) -> UseLine {
        UseLine {
            at: screen.moment(used.at),
            procedure: screen.t().procedure(used.procedure).short.to_owned(),
            service: self.client(&used.client),
            mediator: self.accounts.get(&used.account).cloned().unwrap_or_default(),
            outcome: match used.outcome {
                None => Shown::Awaited,
                Some(Outcome::Done) => Shown::Done,
                Some(Outcome::NotDone) => Shown::NotDone,
                Some(Outcome::HandedBack) => Shown::HandedBack,
            },
        }
    }
}
