//! What in the journal asks for an explanation. A signal is a question to the organisation, not a fault of anybody.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::event::Kind;
use super::id::{AccountId, MandateId};
use super::{Instant, civil};

mod raised;
mod shared_phone;

pub use raised::Signal;
pub use shared_phone::shared_phones;

/// From when on something asks for an explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// The hour, at the organisation, before which a use is outside opening hours.
    pub opens: u32,
    /// The hour from which it is again.
    pub closes: u32,
    /// The minutes within which openings, uses and refusals are counted together.
    pub minutes: u32,
    /// Openings by one mediator.
    pub openings: u32,
    /// Uses by one mediator.
    pub uses: u32,
    /// Refusals to one mediator.
    pub refusals: u32,
    /// Minutes after an opening within which a use by another mediator is one.
    pub soon: u32,
    /// Days after a use without an outcome.
    pub outcome_days: u32,
    /// Citizens with one phone number.
    pub phone_citizens: u32,
    /// The days within which those are counted.
    pub phone_days: u32,
    /// Days that the organisation has to answer.
    pub answer_days: u32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            opens: 7,
            closes: 21,
            minutes: 60,
            openings: 10,
            uses: 20,
            refusals: 5,
            soon: 5,
            outcome_days: 7,
            phone_citizens: 3,
            phone_days: 90,
            answer_days: 14,
        }
    }
}

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A mandate used before or after opening hours, or on a Sunday or Saturday night.
    OutsideHours,
    /// Many mandates opened by one mediator in a short time.
    ManyOpenings,
    /// Many uses by one mediator in a short time.
    ManyUses,
    /// Many refusals to one mediator in a short time.
    RefusedAgain,
    /// A use by another mediator minutes after the opening.
    SoonAfterOpening,
    /// A use of which nobody said what came.
    NoOutcome,
    /// One phone number written down for many citizens.
    SharedPhone,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::OutsideHours,
        Self::ManyOpenings,
        Self::ManyUses,
        Self::RefusedAgain,
        Self::SoonAfterOpening,
        Self::NoOutcome,
        Self::SharedPhone,
    ];

    /// The code stored.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::OutsideHours => "outside_hours",
            Self::ManyOpenings => "many_openings",
            Self::ManyUses => "many_uses",
            Self::RefusedAgain => "refused_again",
            Self::SoonAfterOpening => "soon_after_opening",
            Self::NoOutcome => "no_outcome",
            Self::SharedPhone => "shared_phone",
        }
    }
}

/// The text names no rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a rule")]
pub struct Unknown;

impl FromStr for Rule {
    type Err = Unknown;
    fn from_str(code: &str) -> Result<Self, Unknown> {
        Self::ALL.into_iter().find(|rule| rule.code() == code).ok_or(Unknown)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// What the rules look at of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What happened.
    pub kind: Kind,
    /// When.
    pub at: Instant,
    /// Who acted.
    pub actor: Option<AccountId>,
    /// Under which mandate.
    pub mandate: Option<MandateId>,
    /// Which use.
    pub used: Option<String>,
    /// Which phone number, by its pseudonym.
    pub phone: Option<String>,
    /// Whose.
    pub citizen: Option<String>,
}

/// Something that a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Which rule.
    pub rule: Rule,
    /// Whose or what: an account, a mandate or a phone number.
    pub subject: String,
    /// How many times; of a phone number, for how many citizens.
    pub times: u32,
    /// The first of them.
    pub first: Instant,
    /// The last.
    pub last: Instant,
}

/// A day that is looked at.
#[derive(Debug, Clone)]
pub struct Day {
    /// When it begins. What happens over midnight belongs to the day on which it ends.
    pub begins: Instant,
    /// Where the organisation is.
    pub zone: Tz,
    /// What was found on the day before, by rule and subject: the first and the last instant.
    pub said: BTreeMap<(Rule, String), (Instant, Instant)>,
}

impl Day {
    fn said(&self, rule: Rule, subject: &str) -> Option<(Instant, Instant)> {
        self.said.get(&(rule, subject.to_owned())).copied()
    }
}

impl Thresholds {
    /// How long the organisation has to answer.
    #[must_use]
    pub fn answer_time(&self) -> TimeDelta {
        TimeDelta::days(self.answer_days.into())
    }

    /// How long before a day something may have begun that is found on it.
    #[must_use]
    pub fn lead(&self) -> TimeDelta {
        TimeDelta::minutes(self.minutes.max(self.soon).into())
    }
}

/// What the entries of one organisation on one day ask, oldest first; those of its [lead](Thresholds::lead) come before them. Each rule says
/// a thing once for each subject.
#[must_use]
pub fn of_a_day(facts: &[Fact], day: &Day, limits: &Thresholds) -> Vec<Found> {
    let mut found = Vec::new();
    let outside = facts.iter().filter(|fact| {
        let (hour, weekend) = civil::hour(fact.at, day.zone);
        fact.at >= day.begins && fact.kind == Kind::Use && (weekend || hour < limits.opens || hour >= limits.closes)
    });
    found.extend(by_actor(Rule::OutsideHours, outside));
    for (rule, kind, least) in [
        (Rule::ManyOpenings, Kind::MandateOpened, limits.openings),
        (Rule::ManyUses, Kind::Use, limits.uses),
        (Rule::RefusedAgain, Kind::UseRefused, limits.refusals),
    ] {
        found.extend(bursts(rule, facts.iter().filter(|fact| fact.kind == kind), day, least, limits.minutes));
    }
    found.extend(soon_after_opening(facts, day, TimeDelta::minutes(limits.soon.into())));
    found
}

/// The uses of a day, `outcome_days` ago, of which nobody has said what came: `said` are those of which somebody did.
#[must_use]
pub fn without_outcome(uses: &[Fact], said: &std::collections::BTreeSet<String>) -> Vec<Found> {
    let silent = uses
        .iter()
        .filter(|fact| fact.kind == Kind::Use && fact.used.as_ref().is_some_and(|used| !said.contains(used)));
    by_actor(Rule::NoOutcome, silent)
}

fn add<'m>(all: &'m mut BTreeMap<String, Found>, rule: Rule, subject: &str, at: Instant) -> &'m mut Found {
    let new = || Found { rule, subject: subject.to_owned(), times: 0, first: at, last: at };
    let found = all.entry(subject.to_owned()).or_insert_with(new);
    found.times += 1;
    found.last = found.last.max(at);
    found
}

fn by_actor<'f>(rule: Rule, facts: impl Iterator<Item = &'f Fact>) -> Vec<Found> {
    let mut all = BTreeMap::new();
    for fact in facts {
        if let Some(actor) = &fact.actor {
            add(&mut all, rule, actor.as_str(), fact.at);
        }
    }
    all.into_values().collect()
}

/// The most acts of each actor within so many minutes that end on the day, where they are at least `least`. What was said of the day
/// before is not counted again.
fn bursts<'f>(rule: Rule, facts: impl Iterator<Item = &'f Fact>, day: &Day, least: u32, minutes: u32) -> Vec<Found> {
    let mut of: BTreeMap<&str, Vec<Instant>> = BTreeMap::new();
    for fact in facts {
        if let Some(actor) = &fact.actor
            && day.said(rule, actor.as_str()).is_none_or(|(_, last)| fact.at >= day.begins || fact.at > last)
        {
            of.entry(actor.as_str()).or_default().push(fact.at);
        }
    }
    let span = TimeDelta::minutes(minutes.into());
    let most = |(actor, acts): (&str, Vec<Instant>)| {
        let windows = acts.iter().enumerate().map(|(at, first)| {
            let within = acts.iter().skip(at).take_while(|one| **one < *first + span);
            let (times, end) = within.fold((0_u32, *first), |(times, _), one| (times + 1, *one));
            Found { rule, subject: actor.to_owned(), times, first: *first, last: end }
        });
        let windows = windows.filter(|found| found.last >= day.begins);
        windows.max_by_key(|found| found.times).filter(|found| found.times >= least.max(1))
    };
    of.into_iter().filter_map(most).collect()
}

fn soon_after_opening(facts: &[Fact], day: &Day, soon: TimeDelta) -> Vec<Found> {
    let mut opened: BTreeMap<&MandateId, (&Option<AccountId>, Instant)> = BTreeMap::new();
    let mut all = BTreeMap::new();
    for fact in facts {
        let Some(mandate) = &fact.mandate else { continue };
        match fact.kind {
            Kind::MandateOpened => drop(opened.insert(mandate, (&fact.actor, fact.at))),
            Kind::Use if fact.at >= day.begins => {
                let said = day.said(Rule::SoonAfterOpening, mandate.as_str()).map(|(first, _)| first);
                let opening = opened.get(mandate).filter(|(_, at)| said != Some(*at));
                let other = opening.filter(|(by, at)| **by != fact.actor && fact.at < *at + soon);
                if let Some((_, at)) = other {
                    add(&mut all, Rule::SoonAfterOpening, mandate.as_str(), fact.at).first = *at;
                }
            }
            _ => {}
        }
    }
    all.into_values().collect()
}

#[cfg(test)]
mod tests;
