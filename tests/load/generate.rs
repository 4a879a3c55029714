//! A database with years of work in it, made as the service makes it: every row comes out of a rule of the domain, with its entries.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};

use chrono::TimeDelta;
use mandataire::app::block_on;
use mandataire::clock::Random;
use mandataire::domain::Instant;
use mandataire::domain::assurance::Authentication;
use mandataire::domain::authenticator::Authenticator;
use mandataire::domain::client::{Client, SigningAlgorithm};
use mandataire::domain::event::{Event, Kind};
use mandataire::domain::mandate::Mandate;
use mandataire::domain::mediator::{Account, Mediator, Member, Membership};
use mandataire::domain::organisation::Organisation;
use mandataire::domain::procedure::Procedure;
use mandataire::store::{
    Error, Location, Store, Tx, accounts, authenticators, clients, journal, organisations, sessions,
};

use crate::people::{self, Chance};
use crate::visits;

/// The client of the load, registered as FranceConnect is.
pub(crate) const CLIENT: &str = "client_load";
/// Its secret.
pub(crate) const CLIENT_SECRET: &str = "the-secret-of-the-load-client-0123456789";
/// Its redirect address.
pub(crate) const REDIRECT: &str = "https://franceconnect.example.fr/api/v2/oidc-callback";
/// The key of the vault.
pub(crate) const MASTER_KEY: [u8; 32] = [
    0x71, 0x79, 0xa8, 0x5a, 0x74, 0xf8, 0x43, 0x81, 0xd7, 0x47, 0x25, 0x6e, 0x87, 0xca, 0xaa, 0x9e, 0xf3, 0x16, 0xf4,
    0x66, 0x7f, 0xf9, 0xa0, 0x1c, 0x4b, 0x1c, 0x7c, 0xd9, 0x07, 0x24, 0x88, 0xda,
];
/// How far back the work goes.
const YEAR: TimeDelta = TimeDelta::days(365);
/// Acts in one transaction. SQLite walks through what a transaction has set aside each time a savepoint ends: long ones are slow.
const BATCH: usize = 20;
/// Entries that one visit leaves: the reading, the use, the outcome.
const VISIT: usize = 3;

/// How much of everything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) citizens: usize,
    pub(crate) entries: usize,
    pub(crate) mediators: usize,
    pub(crate) organisations: usize,
}

impl Size {
    /// The account of the auditor comes after those of the mediators.
    pub(crate) const fn auditor(self) -> usize {
        self.mediators
    }

    /// The organisation of a mediator.
    pub(crate) const fn organisation_of(self, mediator: usize) -> usize {
        mediator % self.organisations
    }
}

/// What happens to a citizen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    Opening,
    Visit,
    Revocation,
}

/// The people who work, and what they hold of each citizen.
pub(crate) struct World {
    pub(crate) size: Size,
    pub(crate) mediators: Vec<Mediator>,
    pub(crate) held: HashMap<usize, Mandate>,
    pub(crate) random: Random,
    pub(crate) chance: Chance,
    /// Entries written so far.
    pub(crate) entries: usize,
    calendar: BinaryHeap<Reverse<(Instant, usize, Act)>>,
    now: Instant,
}

/// Makes the database; it must be migrated and empty. Answers the number of entries.
pub(crate) fn fill(location: &Location, size: Size, now: Instant) -> Result<usize, Error> {
    let random = Random::system();
    let store = Store::open(location, 2, &MASTER_KEY, random.clone())?;
    block_on(async move {
        let beginning = now - YEAR;
        let mediators = store.write(move |tx| organised(tx, size, &Random::system(), beginning)).await?;
        let entries = size.organisations + size.mediators * 3 + 2;
        let mut world = World {
            size,
            mediators,
            held: HashMap::new(),
            random,
            chance: Chance(1),
            entries,
            calendar: BinaryHeap::new(),
            now,
        };
        world.plan(beginning);
        while !world.calendar.is_empty() {
            world = store.write(move |tx| world.work(tx)).await?;
        }
        while world.entries < size.entries {
            world = store.write(move |tx| world.sign_in(tx)).await?;
        }
        Ok(world.entries)
    })
}

/// The organisations, the mediators and the auditor, at work for a year.
fn organised(tx: &mut Tx<'_>, size: Size, random: &Random, now: Instant) -> Result<Vec<Mediator>, Error> {
    let places: Vec<Organisation> =
        (0..size.organisations).map(|number| organisation(tx, number, now)).collect::<Result<_, _>>()?;
    let mediators = (0..size.mediators)
        .map(|number| {
            let place = &places[size.organisation_of(number)];
            let role =
                Membership { organisation: place.id.clone(), mediator: true, manager: false, certified_until: None };
            let account = enrolled(tx, number, Some(&role), now)?;
            let session = people::session(None, number);
            let token_hash = random.bytes::<32>();
            let new = sessions::New {
                id: &session,
                token_hash: &token_hash,
                account: &account.id,
                organisation: Some(&place.id),
                csrf: &random.token(),
                code_at: Some(now),
                authentication: Authentication::Code,
            };
            sessions::create(tx, &new, now)?;
            sessions::end(tx, &session, now)?;
            let member = Member::new(account, role, place.clone(), session).expect("a member");
            Ok(Mediator::new(member, now).expect("a mediator"))
        })
        .collect::<Result<_, Error>>()?;
    enrolled(tx, size.auditor(), None, now)?;
    let client = Client {
        logout_uris: vec!["https://franceconnect.example.fr/api/v2/client/logout-callback".to_owned()],
        algorithm: SigningAlgorithm::Hs256,
        franceconnect: true,
        ..Client::usual(CLIENT.to_owned(), "FranceConnect".to_owned(), vec![REDIRECT.to_owned()])
    };
    clients::register(tx, client.register(now), CLIENT_SECRET, now)?;
    Ok(mediators)
}

fn organisation(tx: &mut Tx<'_>, number: usize, now: Instant) -> Result<Organisation, Error> {
    // La Poste's own rule needs no check digit: the sum of the digits is a multiple of five.
    let mut sirets = (0..5).map(|last| format!("356000000{:05}", number * 10 + last));
    let organisation = Organisation {
        id: people::organisation(number),
        name: format!("Maison France services nᵒ {number}"),
        siret: sirets.find_map(|text| text.parse().ok()).expect("one in five is a SIRET"),
        address: format!("{number} Grande Rue, 78550 Houdan"),
        zone: "Europe/Paris".to_owned(),
        procedures: BTreeSet::from(Procedure::ALL),
        suspended_at: None,
    };
    organisations::create(tx, organisation.create(now), now)
}

/// Somebody with an account, an authenticator, and the terms accepted.
fn enrolled(tx: &mut Tx<'_>, number: usize, role: Option<&Membership>, now: Instant) -> Result<Account, Error> {
    let account = Account {
        id: people::account(number),
        email: format!("mediator.{number}@example.fr").parse().expect("an address"),
        name: format!("Mediator Number {number}"),
        auditor: role.is_none(),
        officer: false,
        active: true,
        terms: None,
    };
    accounts::create(tx, account.clone(), role, now)?;
    let account = accounts::save(tx, account.accept_terms(now))?;
    let id = people::authenticator(number);
    authenticators::begin(tx, &id, &account.id, &people::seed(number), now)?;
    let (last_step, failures, locked_at, confirmed_at) = (0, 0, None, None);
    let device = Authenticator { id, account: account.id.clone(), last_step, failures, locked_at, confirmed_at };
    let (confirmed, _) = device.confirm(Some(0), now).expect("a first code confirms");
    authenticators::save(tx, confirmed)?;
    Ok(account)
}

impl World {
    /// Everybody's openings over the year, and what follows from them.
    fn plan(&mut self, beginning: Instant) {
        let Size { citizens, entries, .. } = self.size;
        let left = entries.saturating_sub(self.entries) / citizens.max(1);
        // An opening leaves four entries; one citizen in five has a second one.
        let visits = left.saturating_sub(5) / VISIT;
        for citizen in 0..citizens {
            let opened = beginning + share(YEAR, self.chance.below(1_000), 1_000);
            self.calendar.push(Reverse((opened, citizen, Act::Opening)));
            let after = self.now - opened - TimeDelta::hours(1);
            for _ in 0..self.chance.below(2 * visits + 1) {
                let at = opened + TimeDelta::minutes(10) + share(after, self.chance.below(1_000), 1_000);
                self.calendar.push(Reverse((at, citizen, Act::Visit)));
            }
            if self.chance.percent(20) {
                self.calendar.push(Reverse((opened + share(after, 1, 2), citizen, Act::Opening)));
            }
            if self.chance.percent(3) {
                self.calendar.push(Reverse((opened + share(after, 3, 4), citizen, Act::Revocation)));
            }
        }
    }

    /// The next acts, in the order in which they happen.
    fn work(mut self, tx: &mut Tx<'_>) -> Result<Self, Error> {
        for _ in 0..BATCH {
            let Some(Reverse((at, citizen, act))) = self.calendar.pop() else { break };
            match act {
                Act::Opening => visits::open(&mut self, tx, citizen, at)?,
                Act::Visit => visits::visit(&mut self, tx, citizen, at)?,
                Act::Revocation => visits::revoke(&mut self, tx, citizen, at)?,
            }
        }
        Ok(self)
    }

    /// Sign-ins make up what is missing in the journal.
    fn sign_in(mut self, tx: &mut Tx<'_>) -> Result<Self, Error> {
        for _ in 0..BATCH.min(self.size.entries - self.entries) {
            let at = self.now - share(YEAR, self.chance.below(1_000_000), 1_000_000);
            let account = people::account(self.chance.below(self.size.mediators));
            journal::record(tx, &Event::new(Kind::SignedIn, at).by(&account))?;
            self.entries += 1;
        }
        Ok(self)
    }

    /// A mediator of the organisation that serves a citizen.
    pub(crate) fn mediator_for(&mut self, citizen: usize) -> Mediator {
        let Size { mediators, organisations, .. } = self.size;
        let place = citizen % organisations;
        self.mediators[place + organisations * self.chance.below(mediators / organisations)].clone()
    }
}

/// A part of a span.
fn share(span: TimeDelta, part: usize, of: usize) -> TimeDelta {
    let scaled = i128::from(span.num_seconds().max(0)) * part as i128 / of.max(1) as i128;
    TimeDelta::seconds(i64::try_from(scaled).unwrap_or(0))
}
