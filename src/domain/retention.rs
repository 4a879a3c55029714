//! How long what is known about people is kept: in use, then in a restricted archive, then destroyed.

use chrono::Months;

use super::Instant;
use super::event::{Event, Journalled, Kind, Owner};
use super::id::{CitizenId, MandateId, OrganisationId};

/// Where a person's data, or a mandate's, stand. They only go forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// On the screens of those who need them.
    InUse,
    /// On no screen and in no search: only the journal, and an inquiry with a ground, lead there.
    Archived,
    /// The key is gone, and what it sealed. A pseudonym stays.
    Destroyed,
}

/// How long a kind of data is kept after what it served has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keeping {
    /// In use, in calendar months.
    pub in_use: Months,
    /// Then in the restricted archive, in calendar months.
    pub archive: Months,
}

impl Keeping {
    /// Where data stand that served for the last time at `last`.
    #[must_use]
    pub fn stage(self, last: Instant, now: Instant) -> Stage {
        // A day that the last month does not have is its last day. An end after the end of all calendars never comes.
        let archived = last.checked_add_months(self.in_use);
        let destroyed = archived.and_then(|at| at.checked_add_months(self.archive));
        let passed = |end: Option<Instant>| end.is_some_and(|end| !super::runs(now, end));
        match (passed(archived), passed(destroyed)) {
            (_, true) => Stage::Destroyed,
            (true, false) => Stage::Archived,
            (false, false) => Stage::InUse,
        }
    }
}

/// What is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A mandate with its agreement and its document.
    Mandate {
        /// The mandate.
        id: MandateId,
        /// The mandatary.
        organisation: OrganisationId,
        /// Whose key seals the texts.
        citizen: CitizenId,
    },
    /// A person, with everything sealed for them.
    Person(Owner),
}

/// What is known of it when the rule is asked.
#[derive(Debug, Clone)]
pub struct Kept {
    /// What it is.
    pub subject: Subject,
    /// Where it stands.
    pub stage: Stage,
    /// When it served for the last time: the end of the last mandate, or the last contact.
    pub last: Instant,
    /// A hold forbids every step.
    pub held: bool,
    /// Something is under way that needs it: an opening, a code, a token.
    pub busy: bool,
}

/// What the rule says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It stays where it is.
    Stays,
    /// It would go on, and a hold keeps it.
    Held,
    /// It would go on, and something under way needs it: the next run looks again.
    Busy,
    /// It goes on.
    Goes(Journalled<Passage>),
}

/// A step, to be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// Of what.
    pub subject: Subject,
    /// Where to: never in use.
    pub to: Stage,
}

impl Kept {
    /// The next step that the periods ask for. Nothing goes back, whatever the clock says.
    #[must_use]
    pub fn verdict(self, keeping: Keeping, now: Instant) -> Verdict {
        let to = keeping.stage(self.last, now);
        if to <= self.stage {
            return Verdict::Stays;
        }
        if self.held {
            return Verdict::Held;
        }
        if self.busy {
            return Verdict::Busy;
        }
        let event =
            of(&self.subject, to, now).fact("ground", "retention").fact("since", super::instant_text(self.last));
        Verdict::Goes(Journalled::new(Passage { subject: self.subject, to }, vec![event]))
    }
}

/// Destroys a person, because two officers decided it.
pub(in crate::domain) fn destroyed(
    owner: Owner,
    now: Instant,
    complete: impl FnOnce(Event) -> Event,
) -> Journalled<Passage> {
    let subject = Subject::Person(owner);
    let event = complete(of(&subject, Stage::Destroyed, now));
    Journalled::new(Passage { subject, to: Stage::Destroyed }, vec![event])
}

/// Destroys again a person who was destroyed after the backup that was restored.
pub fn destroyed_before(owner: Owner, at: Instant, now: Instant) -> Journalled<Passage> {
    destroyed(owner, now, |event| event.fact("ground", "restored").fact("since", super::instant_text(at)))
}

fn of(subject: &Subject, to: Stage, now: Instant) -> Event {
    let archived = to < Stage::Destroyed;
    match subject {
        Subject::Mandate { id, organisation, citizen } => {
            let kind = if archived { Kind::MandateArchived } else { Kind::MandateDestroyed };
            Event::new(kind, now).within(organisation).about(citizen).under(id)
        }
        Subject::Person(owner) => {
            let kind = if archived { Kind::PersonArchived } else { Kind::PersonDestroyed };
            match owner {
                Owner::Citizen(id) => Event::new(kind, now).about(id),
                Owner::Account(id) => Event::new(kind, now).on(id),
            }
        }
    }
}

#[cfg(test)]
mod tests;
