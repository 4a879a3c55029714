//! Ending before the term: by somebody of the organisation, or with the presence it was opened for.

use super::*;
use crate::domain::event::{Event, Kind};
use crate::domain::samples::one_event;

/// A mandate of the organisation number 1 for papers and family, live for a month from the beginning.
fn held() -> Mandate {
    Mandate {
        organisation: organisation(1).id,
        opened_at: begin(),
        expires_at: Term::Month.end(begin()),
        ..mandate(Term::Month, &[4, 4])
    }
}

fn revoke(mandate: Mandate, extent: Extent, now: Instant) -> Result<Mandate, Refusal> {
    let revoked = mandate.revoke(&ana(), extent, Reason::CitizenAsked, now);
    revoked.map(|revoked| revoked.into_parts().0)
}

#[test]
fn another_organisation_ends_nothing() {
    let other = ana_at_another_organisation();
    let revoked = held().revoke(&other, Extent::Whole, Reason::Mistake, begin());
    assert_eq!(revoked, Err(Refusal::OtherOrganisation));
}

#[test]
fn a_manager_ends_what_a_mediator_opened() {
    let manager = Who::ana().but(|who| (who.membership.mediator, who.membership.manager) = (false, true)).member();
    assert!(held().revoke(&manager.unwrap(), Extent::Whole, Reason::Other, begin()).is_ok());
}

#[test]
fn only_what_the_mandate_names_can_be_ended() {
    assert_eq!(revoke(held(), Extent::One(Procedure::Justice), begin()), Err(Refusal::ProcedureNotInMandate));
}

#[test]
fn one_authorisation_ends_alone() {
    let one = Extent::One(Procedure::Famille);
    let (after, event) = one_event(held().revoke(&ana(), one, Reason::ProcedureDone, begin()).unwrap());
    let ended = Ending {
        at: begin(),
        kind: EndingKind::Revoked,
        by: Some(ana().account().id.clone()),
        reason: Some(Reason::ProcedureDone),
    };
    assert_eq!(after.authorisations[0], held().authorisations[0]);
    assert_eq!(after.authorisations[1].ended, Some(ended));
    let expected = Event::new(Kind::AuthorisationRevoked, begin())
        .within(&organisation(1).id)
        .about(&held().citizen)
        .under(&held().id)
        .for_procedure(Procedure::Famille)
        .fact("authorisation", after.authorisations[1].id.as_str())
        .by(&ana().account().id)
        .fact("reason", "procedure_done");
    assert_eq!(event, expected);
    assert_eq!(revoke(after, one, begin()), Err(Refusal::NothingToRevoke), "it has ended already");
}

#[test]
fn the_whole_ends_with_one_fact_for_each_part() {
    let (after, events) = held().revoke(&ana(), Extent::Whole, Reason::Mistake, begin()).unwrap().into_parts();
    assert_eq!(after.standing(begin()), Standing::Ended(EndingKind::Revoked));
    let named: Vec<_> = events.iter().map(|event| (event.kind, event.procedure)).collect();
    let revoked = |procedure| (Kind::AuthorisationRevoked, Some(procedure));
    assert_eq!(named, [revoked(Procedure::Papiers), revoked(Procedure::Famille)]);
    assert_eq!(revoke(after, Extent::Whole, begin()), Err(Refusal::NothingToRevoke));
}

#[test]
fn what_has_ended_stays_as_it_ended() {
    for kind in 0..EndingKind::ALL.len() {
        let before = Mandate { organisation: organisation(1).id, ..mandate(Term::Month, &[kind, 4]) };
        let (after, event) =
            one_event(before.clone().revoke(&ana(), Extent::Whole, Reason::Mistake, before.opened_at).unwrap());
        assert_eq!(after.authorisations[0], before.authorisations[0]);
        assert_eq!(event.procedure, Some(Procedure::Famille));
    }
}

#[test]
fn there_is_nothing_to_end_from_the_instant_of_the_term_on() {
    let end = held().expires_at;
    assert!(revoke(held(), Extent::Whole, end - MICROSECOND).is_ok());
    for now in [end, end + MICROSECOND] {
        assert_eq!(revoke(held(), Extent::Whole, now), Err(Refusal::NothingToRevoke));
    }
}

#[test]
fn a_reason_is_one_of_five() {
    for reason in Reason::ALL {
        assert_eq!(reason.to_string().parse(), Ok(reason));
    }
    for unknown in ["", "because", "Other"] {
        assert_eq!(unknown.parse::<Reason>(), Err(Refusal::NoReason), "{unknown:?}");
    }
}

#[test]
fn a_presence_ends_its_own_mandate_and_nobody_is_said_to_have_done_it() {
    let here = SessionId::new(begin(), 1);
    let present = Mandate { session: Some(here.clone()), ..held() };
    let (after, events) = present.presence_ended(&here, begin()).into_parts();
    assert_eq!(after.standing(begin()), Standing::Ended(EndingKind::PresenceEnded));
    let ended = Ending { at: begin(), kind: EndingKind::PresenceEnded, by: None, reason: None };
    assert!(after.authorisations.iter().all(|one| one.ended.as_ref() == Some(&ended)));
    assert_eq!(events.len(), 2);
    for event in events {
        assert_eq!((event.kind, event.actor), (Kind::PresenceEnded, None));
        assert_eq!((event.organisation, event.mandate), (Some(organisation(1).id), Some(held().id)));
    }
}

#[test]
fn a_presence_that_ends_touches_no_other_mandate() {
    let (here, elsewhere) = (SessionId::new(begin(), 1), SessionId::new(begin(), 2));
    for session in [None, Some(elsewhere)] {
        let other = Mandate { session, ..held() };
        let (after, events) = other.clone().presence_ended(&here, begin()).into_parts();
        assert_eq!((after, events), (other, Vec::new()));
    }
    let over = Mandate { session: Some(here.clone()), ..held() };
    let (after, events) = over.clone().presence_ended(&here, over.expires_at).into_parts();
    assert_eq!((after, events), (over, Vec::new()), "its term came first");
}
