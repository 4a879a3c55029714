//! Opening a mandate: one act, once per draft, all of it or nothing.

use crate::domain::Instant;
use crate::domain::agreement::Agreement;
use crate::domain::authenticator::FreshCode;
use crate::domain::digest::Digest;
use crate::domain::event::{Event, Journalled, Kind, Owner};
use crate::domain::id::{AuthorisationId, MandateId};
use crate::domain::mediator::Mediator;
use crate::domain::refusal::Refusal;
use crate::domain::term::Term;

use super::document::{self, Document};
use super::draft::{Draft, Person, Stage};
use super::{Authorisation, Ending, EndingKind, Mandate, Standing};

/// What the mediator declares on the recap.
#[derive(Debug, Clone, Copy)]
pub struct Declaration {
    /// This is the person in front of me.
    pub in_front: bool,
    /// I have informed the person.
    pub informed: bool,
}

/// Everything that one opening writes.
#[derive(Debug, Clone)]
pub struct Opening {
    /// The draft, used.
    pub draft: Draft,
    /// The new mandate.
    pub mandate: Mandate,
    /// The citizen, with the identity of today.
    pub person: Person,
    /// The agreement it rests on.
    pub agreement: Agreement,
    /// The frozen document.
    pub document: Document,
    /// Earlier authorisations of the same organisation, citizen and procedure that leave their place.
    pub closed: Vec<(AuthorisationId, Ending)>,
}

/// Identifiers made before the transaction.
pub struct Ids {
    /// Of the mandate.
    pub mandate: MandateId,
    /// Of its authorisations: one per procedure at least.
    pub authorisations: Vec<AuthorisationId>,
}

/// Opens the mandate of a draft. `held` are the mandates of the same organisation and citizen that still hold a place.
///
/// # Errors
/// The draft is not this mediator's, too old or used; a step is missing; the agreement was to another text.
pub fn open(
    draft: Draft,
    mediator: &Mediator,
    declaration: Declaration,
    code: FreshCode,
    held: &[Mandate],
    ids: Ids,
    now: Instant,
) -> Result<Journalled<Opening>, Refusal> {
    let (person, agreement) = ready(&draft, mediator, declaration, now)?;
    if code.at() < draft.created_at {
        return Err(Refusal::FreshCodeNeeded);
    }
    let expires_at = draft.term.end(now);
    let document = document::freeze(&person.identity, mediator, &draft, &agreement, &ids.mandate, now, expires_at);
    let authorisations = draft.procedures.iter().zip(ids.authorisations);
    let mandate = Mandate {
        id: ids.mandate,
        organisation: draft.organisation.clone(),
        citizen: person.id.clone(),
        draft: draft.id.clone(),
        opened_by: draft.account.clone(),
        opened_at: now,
        expires_at,
        term: draft.term,
        session: (draft.term == Term::Present).then(|| draft.session.clone()),
        authorisations: authorisations
            .map(|(procedure, id)| Authorisation { id, procedure: *procedure, ended: None })
            .collect(),
        document: document.digest,
        assurance: person.assurance,
    };
    if mandate.authorisations.len() != draft.procedures.len() {
        return Err(Refusal::NoProcedure);
    }
    let (closed, mut events) = close_earlier(held, &mandate, now);
    events.push(opened_event(&mandate, &agreement));
    let draft = Draft { stage: Stage::Opened(mandate.id.clone()), ..draft };
    Ok(Journalled::new(Opening { draft, mandate, person, agreement, document, closed }, events))
}

/// Whether everything but the mediator's code is there.
///
/// # Errors
/// As [`open`].
pub fn ready(
    draft: &Draft,
    mediator: &Mediator,
    declaration: Declaration,
    now: Instant,
) -> Result<(Person, Agreement), Refusal> {
    draft.bound_to(mediator)?;
    draft.alive(now)?;
    let person = draft.citizen.clone().ok_or(Refusal::NotIdentified)?;
    let Stage::Agreed(agreement) = &draft.stage else {
        return Err(Refusal::NotAgreed);
    };
    // The manager may have withdrawn a procedure since the form was filled in.
    if !draft.procedures.is_subset(&mediator.organisation().procedures) {
        return Err(Refusal::ProcedureNotAllowed);
    }
    let text = draft.text(&mediator.organisation().name, agreement.language)?;
    if Digest::of(text.as_bytes()) != agreement.digest {
        return Err(Refusal::AgreementOfAnotherText);
    }
    if !declaration.in_front {
        return Err(Refusal::NotInFront);
    }
    if !declaration.informed {
        return Err(Refusal::NotInformed);
    }
    Ok((person, agreement.clone()))
}

/// Authorisations for the same procedures leave their place: live ones are replaced, those past their term are marked so.
fn close_earlier(held: &[Mandate], new: &Mandate, now: Instant) -> (Vec<(AuthorisationId, Ending)>, Vec<Event>) {
    let (mut closed, mut events) = (Vec::new(), Vec::new());
    for old in held {
        for authorisation in old.authorisations.iter().filter(|one| one.ended.is_none()) {
            if !new.authorisations.iter().any(|one| one.procedure == authorisation.procedure) {
                continue;
            }
            let live = old.standing_of(authorisation, now) == Standing::Active;
            let ending = if live {
                events.push(replaced_event(old, authorisation, new, now));
                Ending { at: now, kind: EndingKind::Replaced, by: Some(new.opened_by.clone()), reason: None }
            } else {
                Ending { at: old.expires_at, kind: EndingKind::Expired, by: None, reason: None }
            };
            closed.push((authorisation.id.clone(), ending));
        }
    }
    (closed, events)
}

fn replaced_event(old: &Mandate, authorisation: &Authorisation, new: &Mandate, now: Instant) -> Event {
    Event::new(Kind::AuthorisationReplaced, now)
        .by(&new.opened_by)
        .within(&new.organisation)
        .about(&new.citizen)
        .under(&old.id)
        .for_procedure(authorisation.procedure)
        .fact("authorisation", authorisation.id.as_str())
        .fact("replaced_by", new.id.as_str())
}

fn opened_event(mandate: &Mandate, agreement: &Agreement) -> Event {
    let procedures: Vec<_> = mandate.authorisations.iter().map(|one| one.procedure.key()).collect();
    // Whoever has a name and a birthdate to try could recognise them by the hash of a text that holds little else.
    let sealed = vec![
        ("declared", "in_front informed".to_owned()),
        ("agreement_sha256", agreement.digest.to_string()),
        ("document_sha256", mandate.document.to_string()),
    ];
    Event::new(Kind::MandateOpened, mandate.opened_at)
        .by(&mandate.opened_by)
        .within(&mandate.organisation)
        .about(&mandate.citizen)
        .under(&mandate.id)
        .fact("draft", mandate.draft.as_str())
        .fact("procedures", procedures.join(" "))
        .fact("term", mandate.term.key())
        .fact("expires_at", crate::domain::instant_text(mandate.expires_at))
        .fact("agreement", agreement.id.as_str())
        .fact("document_version", document::VERSION)
        .fact("assurance", mandate.assurance.code())
        .sealed_for(Owner::Citizen(mandate.citizen.clone()), sealed)
}
