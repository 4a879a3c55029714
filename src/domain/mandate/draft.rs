//! A draft: an opening in progress at the counter. Bound to one mediator, session and organisation; lives 15 minutes; works once.

use std::collections::BTreeSet;

use chrono::{NaiveDate, TimeDelta};

use crate::domain::Instant;
use crate::domain::agreement::{Agreement, Method};
use crate::domain::assurance::Assurance;
use crate::domain::citizen::Identity;
use crate::domain::digest::Digest;
use crate::domain::event::{Event, Journalled, Kind, Owner};
use crate::domain::id::{AccountId, AgreementId, CitizenId, DraftId, MandateId, OrganisationId, SessionId};
use crate::domain::language::Language;
use crate::domain::mediator::Mediator;
use crate::domain::procedure::Procedure;
use crate::domain::refusal::Refusal;
use crate::domain::term::Term;

use super::document;

/// How long a draft works.
pub const LIFE: TimeDelta = TimeDelta::minutes(15);

/// How far a draft has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// The form is filled in; the citizen is with FranceConnect.
    Started,
    /// The citizen is identified.
    Identified,
    /// The citizen agreed to the text.
    Agreed(Agreement),
    /// The citizen refused.
    Refused,
    /// The mandate exists: a second confirmation answers with it.
    Opened(MandateId),
    /// Abandoned by the mediator.
    Cancelled,
}

/// An opening in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its identifier.
    pub id: DraftId,
    /// The mediator it is bound to.
    pub account: AccountId,
    /// The browser session it is bound to.
    pub session: SessionId,
    /// The organisation it is bound to.
    pub organisation: OrganisationId,
    /// The procedures chosen.
    pub procedures: BTreeSet<Procedure>,
    /// The term chosen.
    pub term: Term,
    /// When it was started.
    pub created_at: Instant,
    /// How far it has come.
    pub stage: Stage,
    /// The citizen, once identified.
    pub citizen: Option<Person>,
}

/// Who identified at the counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The citizen's pseudonym here.
    pub id: CitizenId,
    /// The identity FranceConnect sent today.
    pub identity: Identity,
    /// How sure it was.
    pub assurance: Assurance,
}

impl Draft {
    /// Starts an opening from the form.
    ///
    /// # Errors
    /// No procedure, or one the organisation does not offer.
    pub fn start(
        mediator: &Mediator,
        procedures: BTreeSet<Procedure>,
        term: Term,
        id: DraftId,
        now: Instant,
    ) -> Result<Self, Refusal> {
        if procedures.is_empty() {
            return Err(Refusal::NoProcedure);
        }
        if !procedures.is_subset(&mediator.organisation().procedures) {
            return Err(Refusal::ProcedureNotAllowed);
        }
        Ok(Self {
            id,
            account: mediator.account().id.clone(),
            session: mediator.session().clone(),
            organisation: mediator.organisation().id.clone(),
            procedures,
            term,
            created_at: now,
            stage: Stage::Started,
            citizen: None,
        })
    }

    /// Whether it may still go forward at this instant.
    ///
    /// # Errors
    /// Too old, already used, cancelled or refused.
    pub fn alive(&self, now: Instant) -> Result<(), Refusal> {
        match self.stage {
            Stage::Opened(_) | Stage::Cancelled => Err(Refusal::DraftUsed),
            Stage::Refused => Err(Refusal::AgreementRefused),
            _ if !crate::domain::runs(now, self.created_at + LIFE) => Err(Refusal::DraftExpired),
            _ => Ok(()),
        }
    }

    /// Whether it is the draft of this mediator, in this session, for this organisation.
    ///
    /// # Errors
    /// It is bound to another.
    pub fn bound_to(&self, mediator: &Mediator) -> Result<(), Refusal> {
        let same = self.account == mediator.account().id
            && self.session == *mediator.session()
            && self.organisation == mediator.organisation().id;
        if same { Ok(()) } else { Err(Refusal::DraftNotYours) }
    }

    /// The citizen's own act: no account acted, and the mediator present is a fact among others.
    fn citizens_act(&self, kind: Kind, now: Instant) -> Event {
        Event { actor: None, ..self.event(kind, now) }.fact("mediator", self.account.as_str())
    }

    fn event(&self, kind: Kind, now: Instant) -> Event {
        let event = Event::new(kind, now).by(&self.account).within(&self.organisation).fact("draft", self.id.as_str());
        match &self.citizen {
            Some(person) => event.about(&person.id),
            None => event,
        }
    }

    /// The citizen came back from FranceConnect. `today` is the day at the counter: the age depends on it.
    ///
    /// # Errors
    /// Draft not of this mediator, too old or used; citizen already identified, a minor, or the mediator themselves.
    pub fn identified(
        mut self,
        mediator: &Mediator,
        person: Person,
        today: NaiveDate,
        now: Instant,
    ) -> Result<Journalled<Self>, Refusal> {
        self.bound_to(mediator)?;
        self.alive(now)?;
        if self.stage != Stage::Started {
            return Err(Refusal::DraftOutOfOrder);
        }
        if !person.identity.birthdate.is_adult_on(today) {
            return Err(Refusal::Minor);
        }
        if is_same_person(mediator, &person.identity) {
            return Err(Refusal::MediatorIsCitizen);
        }
        self.citizen = Some(person);
        self.stage = Stage::Identified;
        let event = self.event(Kind::CitizenIdentified, now);
        Ok(Journalled::new(self, vec![event]))
    }

    /// The text the citizen is asked to agree to: it names everything the mandate will be.
    ///
    /// # Errors
    /// The citizen is not identified yet.
    pub fn text(&self, organisation: &str, language: Language) -> Result<String, Refusal> {
        let person = self.citizen.as_ref().ok_or(Refusal::NotIdentified)?;
        Ok(document::agreement_text(&person.identity, organisation, &self.procedures, self.term, language))
    }

    /// The citizen answers, on their own screen.
    ///
    /// # Errors
    /// Not identified, too old, answered already, or the absence of a protection measure is not declared.
    pub fn answered(
        mut self,
        answer: &Answer,
        organisation: &str,
        id: AgreementId,
        now: Instant,
    ) -> Result<Journalled<Self>, Refusal> {
        self.alive(now)?;
        if self.stage != Stage::Identified {
            return Err(Refusal::DraftOutOfOrder);
        }
        if !answer.agrees {
            self.stage = Stage::Refused;
            let event = self.citizens_act(Kind::AgreementRefused, now);
            return Ok(Journalled::new(self, vec![event]));
        }
        if !answer.declares_no_protection {
            return Err(Refusal::ProtectionNotDeclared);
        }
        let person = self.citizen.as_ref().ok_or(Refusal::NotIdentified)?;
        let text = self.text(organisation, answer.language)?;
        let digest = Digest::of(text.as_bytes());
        // The organisation may have been renamed since the page was shown: what was read is what counts.
        if answer.shown != digest.to_string() {
            return Err(Refusal::AgreementOfAnotherText);
        }
        let event = self
            .citizens_act(Kind::AgreementGiven, now)
            .fact("agreement", id.as_str())
            .fact("method", Method::InPerson.code())
            .fact("language", answer.language.code())
            .sealed_for(Owner::Citizen(person.id.clone()), vec![("text_sha256", digest.to_string())]);
        self.stage =
            Stage::Agreed(Agreement { id, at: now, method: Method::InPerson, language: answer.language, text, digest });
        Ok(Journalled::new(self, vec![event]))
    }

    /// Whether this very answer was recorded already: the button was pressed twice, or the first reply was lost on the way.
    #[must_use]
    pub fn holds(&self, answer: &Answer) -> bool {
        match &self.stage {
            Stage::Agreed(given) => {
                answer.agrees
                    && answer.declares_no_protection
                    && given.language == answer.language
                    && given.digest.to_string() == answer.shown
            }
            Stage::Refused => !answer.agrees,
            _ => false,
        }
    }

    /// What the journal says of an answer that was not accepted.
    #[must_use]
    pub fn answer_refused(&self, refusal: Refusal, now: Instant) -> Event {
        self.citizens_act(Kind::OpeningRefused, now).fact("reason", refusal.code())
    }

    /// Whether this mediator gave up already: the button was pressed twice, or the first reply was lost on the way.
    #[must_use]
    pub fn is_given_up_by(&self, mediator: &Mediator) -> bool {
        self.stage == Stage::Cancelled && self.bound_to(mediator).is_ok()
    }

    /// The mediator gives up.
    ///
    /// # Errors
    /// Draft not of this mediator, or already used.
    pub fn cancel(mut self, mediator: &Mediator, now: Instant) -> Result<Journalled<Self>, Refusal> {
        self.bound_to(mediator)?;
        if matches!(self.stage, Stage::Opened(_) | Stage::Cancelled) {
            return Err(Refusal::DraftUsed);
        }
        self.stage = Stage::Cancelled;
        let event = self.event(Kind::DraftCancelled, now);
        Ok(Journalled::new(self, vec![event]))
    }
}

/// What the citizen answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Yes or no.
    pub agrees: bool,
    /// Declares having no legal protection measure (guardianship): Code civil, art. 425 and following.
    pub declares_no_protection: bool,
    /// The language of the text they read.
    pub language: Language,
    /// SHA-256 of the text on their screen, in hexadecimal.
    pub shown: String,
}

/// The same address or the same name: a colleague opens the mandate instead. A namesake is rare, and only loses a minute.
fn is_same_person(mediator: &Mediator, identity: &Identity) -> bool {
    let fold = |text: &str| text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ");
    let name = fold(&mediator.account().name);
    let first = identity.given_name.split_whitespace().next().unwrap_or_default();
    let last_names = [Some(&identity.family_name), identity.preferred_username.as_ref()];
    let same_name = last_names.into_iter().flatten().any(|last| {
        name == fold(&format!("{first} {last}")) || name == fold(&format!("{} {last}", identity.given_name))
    });
    same_name || identity.email.eq_ignore_ascii_case(mediator.account().email.as_str())
}
