//! The life of a key that signs our tokens: prepared, active, retiring, verify-only, gone. What signs is in every key set that anybody
//! may hold, because a key is published long before it signs, and long after.

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;

use super::client::{SigningAlgorithm, Unknown};
use super::event::{Event, Journalled, Kind};
use super::{Instant, runs};

/// Where a key stands. All but the last are in the key set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Signs.
    Active,
    /// Published, and signs nothing yet.
    Prepared,
    /// No longer signs, but on a node that has not heard of it.
    Retiring,
    /// Signs nowhere: published for what it signed. Its private part is destroyed.
    VerifyOnly,
    /// Out of the key set.
    Gone,
}

impl State {
    const ALL: [Self; 5] = [Self::Active, Self::Prepared, Self::Retiring, Self::VerifyOnly, Self::Gone];

    /// The stored code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Prepared => "prepared",
            Self::Retiring => "retiring",
            Self::VerifyOnly => "verify_only",
            Self::Gone => "gone",
        }
    }
}

impl FromStr for State {
    type Err = Unknown;
    fn from_str(code: &str) -> Result<Self, Unknown> {
        Self::ALL.into_iter().find(|state| state.code() == code).ok_or(Unknown)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The longest that a node may go without reading the keys from the database: after that it is not ready for requests.
pub const LAG: TimeDelta = TimeDelta::minutes(2);

/// How long each part of a life takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ages {
    /// The longest that a service may keep our key set without reading it again.
    pub cached: TimeDelta,
    /// The longest that a node may go without reading the keys from the database.
    pub lag: TimeDelta,
    /// How long a key that signed stays published.
    pub kept: TimeDelta,
    /// The age at which another key takes its place.
    pub replaced: TimeDelta,
}

impl Ages {
    /// Those of the service; the operator says after how many days a key is replaced.
    #[must_use]
    pub fn usual(days: u32) -> Self {
        Self {
            cached: TimeDelta::hours(24),
            lag: LAG,
            kept: TimeDelta::days(30),
            replaced: TimeDelta::days(days.into()),
        }
    }

    /// From publishing to signing: a node that lags may hand out the set without the new key to a service that then keeps it.
    fn lead(&self) -> TimeDelta {
        self.cached + self.lag
    }
}

/// Why there should be another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// There is none.
    First,
    /// The one that signs is old.
    Age,
    /// Somebody asks.
    Asked,
    /// Somebody asks, because the others may be known to a stranger: they leave the key set too.
    Urgent,
}

/// A key, without its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its identifier in tokens and in the key set.
    pub kid: String,
    /// ES256 or RS256.
    pub algorithm: SigningAlgorithm,
    /// Where it stands.
    pub state: State,
    /// When it was made, and published.
    pub created_at: Instant,
    /// From when it signs.
    pub signs_from: Instant,
    /// When it stopped signing.
    pub retired_at: Option<Instant>,
    /// Whether those before it leave the key set as soon as it signs.
    pub urgent: bool,
}

impl Key {
    /// The same key in its next state, with the entry that says so.
    fn moved(mut self, state: State, now: Instant) -> Journalled<Self> {
        self.state = state;
        let kind = if state == State::Active { Kind::KeyActivated } else { Kind::KeyRetired };
        if state == State::Retiring {
            self.retired_at = Some(now);
        }
        let event = Event::new(kind, now).fact("kid", &self.kid).fact("state", state.code());
        Journalled::new(self, vec![event])
    }

    /// When it leaves the key set, as far as that is known: `kept` after it stopped signing, or with an urgent one's first signature.
    #[must_use]
    pub fn leaves_at(&self, all: &[Self], ages: &Ages) -> Option<Instant> {
        let urgent = |other: &&Self| other.urgent && other.algorithm == self.algorithm && other.kid != self.kid;
        let later = |other: &&Self| other.signs_from > self.signs_from;
        let urgent = all.iter().filter(urgent).filter(later).map(|other| other.signs_from + ages.lag).min();
        let usual = self.retired_at.map(|at| at + ages.kept);
        [urgent, usual].into_iter().flatten().min()
    }

    fn next(&self, all: &[Self], heir: Option<&Self>, ages: &Ages, now: Instant) -> Option<State> {
        let over = |end: Option<Instant>| end.is_some_and(|end| !runs(now, end));
        match self.state {
            State::Prepared => heir.filter(|heir| heir.kid == self.kid).map(|_| State::Active),
            State::Active => heir.map(|_| State::Retiring),
            State::Retiring => over(self.retired_at.map(|at| at + ages.lag)).then_some(State::VerifyOnly),
            State::VerifyOnly => over(self.leaves_at(all, ages)).then_some(State::Gone),
            State::Gone => None,
        }
    }
}

/// What is due now among the keys of one algorithm.
#[must_use]
pub fn due(keys: &[Key], ages: &Ages, now: Instant) -> Vec<Journalled<Key>> {
    let heir = keys.iter().find(|key| key.state == State::Prepared && !runs(now, key.signs_from));
    let next = |key: &Key| key.next(keys, heir, ages, now).map(|state| key.clone().moved(state, now));
    keys.iter().filter_map(next).collect()
}

/// When another key of this algorithm would sign, if the wish is to be granted.
#[must_use]
pub fn signs_from(keys: &[Key], wish: Wish, ages: &Ages, now: Instant) -> Option<Instant> {
    let active = keys.iter().find(|key| key.state == State::Active);
    let prepared = keys.iter().find(|key| key.state == State::Prepared);
    let Some(active) = active else {
        // Nobody holds a set without it.
        return (wish != Wish::Age).then_some(now);
    };
    let (early, old) = (now + ages.lead(), active.signs_from + ages.replaced);
    match wish {
        Wish::First => None,
        Wish::Age => (prepared.is_none() && !runs(early, old)).then_some(early),
        Wish::Asked => prepared.is_none().then_some(early),
        Wish::Urgent => (!prepared.is_some_and(|key| key.urgent)).then_some(now + ages.lag),
    }
}

/// Grants a wish: the new key, and what becomes of one that was prepared and is not waited for. Empty if there is nothing to do.
#[must_use]
pub fn grant(
    keys: &[Key],
    wish: Wish,
    kid: &str,
    algorithm: SigningAlgorithm,
    ages: &Ages,
    now: Instant,
) -> Vec<Journalled<Key>> {
    let Some(signs_from) = signs_from(keys, wish, ages, now) else { return Vec::new() };
    let first = !keys.iter().any(|key| key.state == State::Active);
    let state = if first { State::Active } else { State::Prepared };
    let urgent = wish == Wish::Urgent;
    let (kid, retired_at) = (kid.to_owned(), None);
    let event = Event::new(Kind::KeyCreated, now)
        .fact("kid", &kid)
        .fact("algorithm", algorithm.code())
        .fact("state", state.code())
        .fact("signs_from", super::instant_text(signs_from));
    let new = Key { kid, algorithm, state, created_at: now, signs_from, retired_at, urgent };
    let new = Journalled::new(new, vec![event]);
    let waiting = keys.iter().filter(|key| key.state == State::Prepared);
    let unused = waiting.map(|key| key.clone().moved(State::Gone, now));
    unused.chain([new]).collect()
}
