//! Erasing a person before their time: one officer asks, another one decides. And holds, which stop every destruction.

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;

use super::Instant;
use super::authenticator::FreshCode;
use super::event::{Event, Journalled, Kind, Owner};
use super::id::{AccountId, CitizenId, ErasureId, SessionId};
use super::mandate::revoke::Reason;
use super::officer::Officer;
use super::refusal::Refusal;
use super::retention::{Passage, destroyed};

/// A request that nobody decided is over after this long.
pub const LIFE: TimeDelta = TimeDelta::days(30);

macro_rules! grounds {
    ($(#[$about:meta])* $name:ident: $($(#[$doc:meta])* $ground:ident = $code:literal,)+) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$doc])* $ground,)+ }

        impl $name {
            /// All of them, in the order of the form.
            pub const ALL: &'static [Self] = &[$(Self::$ground,)+];

            /// The code stored and sent in forms.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$ground => $code,)+ }
            }
        }

        impl FromStr for $name {
            type Err = Refusal;
            fn from_str(code: &str) -> Result<Self, Refusal> {
                Self::ALL.iter().copied().find(|one| one.code() == code).ok_or(Refusal::NoGround)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.code())
            }
        }
    };
}

mod hold;

pub use hold::{Hold, HoldGround};

grounds! {
    /// Why somebody is erased before their time: a closed list, so that no text about a person enters the journal.
    Ground:
    /// The person asked for it (GDPR, article 17, 1 b or c).
    PersonAsked = "person_asked",
    /// What was kept should not have been (article 17, 1 d).
    Unlawful = "unlawful",
    /// A court or the data protection authority ordered it (article 17, 1 e).
    Ordered = "ordered",
    /// The person has died, and those who may ask did.
    Died = "died",
}

impl Ground {
    /// The reason that the mandates still running end with.
    const fn reason(self) -> Reason {
        match self {
            Self::PersonAsked => Reason::CitizenAsked,
            Self::Died => Reason::CitizenAbsent,
            Self::Unlawful | Self::Ordered => Reason::Other,
        }
    }
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The person was erased.
    Approved,
    /// Another officer, or the one who asked, put an end to it.
    Declined,
    /// Nobody decided in time.
    Expired,
}

impl Decision {
    /// Every decision.
    pub const ALL: [Self; 3] = [Self::Approved, Self::Declined, Self::Expired];

    /// The stored code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Declined => "declined",
            Self::Expired => "expired",
        }
    }
}

/// A decision, when, and whose; nobody's if time decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// Which.
    pub decision: Decision,
    /// When.
    pub at: Instant,
    /// Whose.
    pub by: Option<AccountId>,
}

/// A request to erase a citizen before their time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its identifier.
    pub id: ErasureId,
    /// Who is to be erased.
    pub citizen: CitizenId,
    /// Why.
    pub ground: Ground,
    /// Who asked.
    pub asked_by: AccountId,
    /// In which session.
    pub asked_in: SessionId,
    /// When.
    pub asked_at: Instant,
    /// What became of it.
    pub decided: Option<Decided>,
}

/// What is known of the citizen when a request is asked or decided.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// Destroyed already.
    pub destroyed: bool,
    /// A hold is set.
    pub held: bool,
}

impl Standing {
    const fn allows(self) -> Result<(), Refusal> {
        match self {
            Self { destroyed: true, .. } => Err(Refusal::PersonErased),
            Self { held: true, .. } => Err(Refusal::PersonHeld),
            Self { .. } => Ok(()),
        }
    }
}

/// What two officers decided: the request, and the step that carries it out.
#[derive(Debug)]
pub struct Approved {
    /// The request.
    pub request: Journalled<Request>,
    /// The destruction.
    pub passage: Journalled<Passage>,
    /// What the mandates end with that still run.
    pub reason: Reason,
}

impl Request {
    /// Asks for it. The fresh code is the officer's own.
    ///
    /// # Errors
    /// The person is erased already, or a hold keeps them.
    pub fn ask(
        id: ErasureId,
        citizen: CitizenId,
        standing: Standing,
        ground: Ground,
        officer: &Officer,
        code: FreshCode,
    ) -> Result<Journalled<Self>, Refusal> {
        standing.allows()?;
        let request = Self {
            id,
            citizen,
            ground,
            asked_by: officer.account().id.clone(),
            asked_in: officer.session().clone(),
            asked_at: code.at(),
            decided: None,
        };
        let event = request.event(Kind::ErasureRequested, code.at()).by(&request.asked_by);
        Ok(Journalled::new(request, vec![event]))
    }

    /// Whether it still waits for a decision.
    #[must_use]
    pub fn waits(&self, now: Instant) -> bool {
        self.decided.is_none() && super::runs(now, self.ends())
    }

    /// When it is over if nobody decides.
    #[must_use]
    pub fn ends(&self) -> Instant {
        self.asked_at + LIFE
    }

    /// Another officer agrees, in another session, with a fresh code of their own: the person is erased.
    ///
    /// # Errors
    /// Decided or over already; by the one who asked, or in their session; a hold keeps the person.
    pub fn approve(self, standing: Standing, officer: &Officer, code: FreshCode) -> Result<Approved, Refusal> {
        let now = code.at();
        if !self.waits(now) {
            return Err(Refusal::ErasureOver);
        }
        if officer.account().id == self.asked_by || *officer.session() == self.asked_in {
            return Err(Refusal::SameOfficer);
        }
        standing.allows()?;
        let by = &officer.account().id;
        let passage = destroyed(Owner::Citizen(self.citizen.clone()), now, |event| {
            event.by(by).fact("ground", self.ground.code()).fact("erasure", self.id.as_str())
        });
        let reason = self.ground.reason();
        let request = self.decided(Kind::ErasureApproved, Decision::Approved, Some(by), now);
        Ok(Approved { request, passage, reason })
    }

    /// An officer says no; the one who asked may take it back.
    ///
    /// # Errors
    /// Decided or over already.
    pub fn decline(self, officer: &Officer, now: Instant) -> Result<Journalled<Self>, Refusal> {
        if !self.waits(now) {
            return Err(Refusal::ErasureOver);
        }
        Ok(self.decided(Kind::ErasureDeclined, Decision::Declined, Some(&officer.account().id), now))
    }

    /// Time decides; nothing if it still waits, or was decided.
    #[must_use]
    pub fn expire(self, now: Instant) -> Option<Journalled<Self>> {
        let over = self.decided.is_none() && !super::runs(now, self.ends());
        over.then(|| self.decided(Kind::ErasureExpired, Decision::Expired, None, now))
    }

    fn decided(mut self, kind: Kind, decision: Decision, by: Option<&AccountId>, now: Instant) -> Journalled<Self> {
        let event = self.event(kind, now).fact("asked_by", self.asked_by.as_str());
        let event = match by {
            Some(account) => event.by(account),
            None => event,
        };
        self.decided = Some(Decided { decision, at: now, by: by.cloned() });
        Journalled::new(self, vec![event])
    }

    fn event(&self, kind: Kind, now: Instant) -> Event {
        Event::new(kind, now).about(&self.citizen).fact("erasure", self.id.as_str()).fact("ground", self.ground.code())
    }
}

#[cfg(test)]
mod tests;
