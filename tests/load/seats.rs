//! The mediators of a run: signed in, at their desks, each with a browser; and whom they may act for.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use chrono::TimeDelta;
use mandataire::app::block_on;
use mandataire::clock::{Clock, Random};
use mandataire::credential;
use mandataire::domain::Instant;
use mandataire::domain::assurance::Authentication;
use mandataire::domain::id::EntryId;
use mandataire::store::sessions::{self, Declared};
use mandataire::store::{Db, Error, Location, Store, citizens, mandates};

use crate::generate::{MASTER_KEY, Size};
use crate::http::Outcome;
use crate::{inquire, people};

/// Citizens of each organisation that are acted for.
const ACTED_FOR: usize = 300;

/// Somebody signed in.
pub(crate) struct Seat {
    /// Their number.
    pub(crate) number: usize,
    /// The lines of their cookies.
    pub(crate) cookies: String,
    /// What their forms carry.
    pub(crate) csrf: String,
    last_step: AtomicI64,
}

/// A live authorisation.
pub(crate) struct Live {
    pub(crate) citizen: String,
    pub(crate) procedure: &'static str,
}

/// Everybody.
pub(crate) struct Seats {
    /// When they signed in.
    pub(crate) since: Instant,
    pub(crate) mediators: Vec<Seat>,
    pub(crate) auditor: Seat,
    /// By organisation.
    pub(crate) live: Vec<Vec<Live>>,
    size: Size,
    turn: AtomicUsize,
    newcomers: AtomicUsize,
}

impl Seats {
    /// Signs everybody in, while the service is not running yet.
    pub(crate) fn take(location: &Location, size: Size) -> Result<Self, Error> {
        let (now, random) = (Clock::system().now(), Random::system());
        let store = Store::open(location, 1, &MASTER_KEY, random.clone())?;
        block_on(async move {
            inquire::register(&store, now).await?;
            let mediators = (0..size.mediators).map(|number| seat(&random, number)).collect::<Vec<_>>();
            let people = mediators.into_iter().chain([seat(&random, size.auditor())]);
            let (mediators, auditor) = store
                .write(move |tx| {
                    let mut seats = Vec::new();
                    for (seat, token) in people {
                        let (id, account) = (people::session(Some(now), seat.number), people::account(seat.number));
                        let place = people::organisation(size.organisation_of(seat.number));
                        let new = sessions::New {
                            id: &id,
                            token_hash: &credential::token_hash(&token),
                            account: &account,
                            organisation: (seat.number < size.mediators).then_some(&place),
                            csrf: &seat.csrf,
                            code_at: Some(now),
                            authentication: Authentication::Code,
                        };
                        sessions::create(tx, &new, now)?;
                        seats.push(seat);
                    }
                    let auditor = seats.pop().ok_or(Error::NotFound)?;
                    let id = people::session(Some(now), auditor.number);
                    let entry = EntryId::new(now, u128::try_from(auditor.number).unwrap_or_default());
                    let why = Declared { entry, text: "Load figures of the service".to_owned() };
                    sessions::declare(tx, &id, &people::account(auditor.number), &why)?;
                    Ok::<_, Error>((seats, auditor))
                })
                .await?;
            let live = store
                .read(move |db| {
                    let places = 0..size.organisations;
                    places.map(|number| live(db, number, now)).collect::<Result<Vec<_>, Error>>()
                })
                .await?;
            let (turn, newcomers) = (AtomicUsize::new(0), AtomicUsize::new(size.citizens));
            Ok(Self { since: now, mediators, auditor, live, size, turn, newcomers })
        })
    }

    /// The next mediator: all of them take turns, because a code works once in thirty seconds.
    pub(crate) fn next(&self) -> &Seat {
        &self.mediators[self.turn.fetch_add(1, Ordering::Relaxed) % self.mediators.len()]
    }

    /// The same mediators as often as one thread comes.
    pub(crate) fn of_thread(&self, thread: usize) -> &Seat {
        &self.mediators[thread % self.mediators.len()]
    }

    /// The number of a citizen whom nobody knows yet.
    pub(crate) fn newcomer(&self) -> usize {
        self.newcomers.fetch_add(1, Ordering::Relaxed)
    }

    /// Whom a mediator may act for.
    pub(crate) fn live_of(&self, seat: &Seat) -> Outcome<&Live> {
        let live = &self.live[self.size.organisation_of(seat.number)];
        let turn = self.turn.load(Ordering::Relaxed) / self.size.organisations;
        live.get(turn % live.len().max(1)).ok_or_else(|| "nobody to act for".to_owned())
    }
}

/// Somebody with new secrets, and the secret of their session.
fn seat(random: &Random, number: usize) -> (Seat, String) {
    let (token, browser) = (random.token(), random.token());
    let cookies = format!("cookie: mandataire-session={token}; mandataire-browser={browser}\r\n");
    (Seat { number, cookies, csrf: random.token(), last_step: AtomicI64::new(0) }, token)
}

fn live(db: &mut Db<'_>, place: usize, now: Instant) -> Result<Vec<Live>, Error> {
    let organisation = people::organisation(place);
    let listed = citizens::list(db, &organisation, citizens::Tab::Active, &[], None, ACTED_FOR, now)?;
    let ids: Vec<_> = listed.lines.into_iter().map(|line| line.citizen.id).collect();
    let held = mandates::holding(db, &organisation, &ids)?;
    // Those that end during the run would be refused by it.
    let later = now + TimeDelta::hours(1);
    let live = held.iter().flat_map(|mandate| mandate.live(later).map(move |part| (mandate, part)));
    Ok(live.map(|(of, part)| Live { citizen: of.citizen.to_string(), procedure: part.procedure.key() }).collect())
}

impl Seat {
    /// A code that the service has not seen: of this step, or of the next one, which it accepts too.
    pub(crate) fn code(&self) -> Outcome<String> {
        let present = Clock::system().now().timestamp().div_euclid(credential::STEP);
        let step = (self.last_step.load(Ordering::Relaxed) + 1).max(present);
        if step > present + 1 {
            return Err("no mediator has an unused code: generate more mediators".to_owned());
        }
        self.last_step.store(step, Ordering::Relaxed);
        let at = Instant::from_timestamp(step * credential::STEP, 0).ok_or("no such instant")?;
        Ok(credential::code_at(&people::seed(self.number), at))
    }
}
