//! Using a mandate: who may, for what, until when.

use super::*;
use crate::domain::event::{Event, Kind};
use crate::domain::mandate::exercise::Pass;

/// A mandate of the organisation number 1 for papers and family, live for a month from the beginning.
fn held() -> Mandate {
    Mandate {
        organisation: organisation(1).id,
        opened_at: begin(),
        expires_at: Term::Month.end(begin()),
        ..mandate(Term::Month, &[4, 4])
    }
}

fn papers(mandate: &Mandate, who: &Mediator) -> Result<Pass, Refusal> {
    mandate.exercise(who, Procedure::Papiers, None, begin())
}

#[test]
fn any_mediator_of_the_organisation_may_and_nobody_of_another() {
    assert!(papers(&held(), &ana()).is_ok());
    assert!(papers(&held(), &bea()).is_ok());
    assert_eq!(papers(&held(), &ana_at_another_organisation()), Err(Refusal::OtherOrganisation));
}

#[test]
fn only_for_a_procedure_that_the_mandate_names() {
    let justice = held().exercise(&ana(), Procedure::Justice, None, begin());
    assert_eq!(justice, Err(Refusal::ProcedureNotInMandate));
}

#[test]
fn until_the_exact_instant_of_its_term() {
    let end = held().expires_at;
    for (now, works) in [(end - MICROSECOND, true), (end, false), (end + MICROSECOND, false)] {
        let pass = held().exercise(&ana(), Procedure::Papiers, None, now);
        assert_eq!(pass.err(), (!works).then_some(Refusal::MandateExpired), "{now}");
    }
}

#[test]
fn not_once_it_was_ended_and_its_neighbour_still() {
    for kind in 0..EndingKind::ALL.len() {
        let mandate = Mandate { authorisations: mandate(Term::Month, &[kind, 4]).authorisations, ..held() };
        let expected = match EndingKind::ALL[kind] {
            EndingKind::Expired => Refusal::MandateExpired,
            _ => Refusal::AuthorisationEnded,
        };
        assert_eq!(papers(&mandate, &ana()), Err(expected));
        assert!(mandate.exercise(&ana(), Procedure::Famille, None, begin()).is_ok());
    }
}

#[test]
fn a_mandate_for_a_presence_works_in_its_own_session() {
    let present = Mandate { session: Some(ana().session().clone()), ..held() };
    assert!(papers(&present, &ana()).is_ok());
    assert_eq!(papers(&present, &ana_elsewhere()), Err(Refusal::PresenceEnded));
}

#[test]
fn only_for_a_procedure_that_the_service_accepts() {
    let asked = |procedures: &[Procedure]| {
        let asked = procedures.iter().copied().collect();
        held().exercise(&ana(), Procedure::Papiers, Some(&asked), begin())
    };
    assert!(asked(&[Procedure::Papiers, Procedure::Justice]).is_ok());
    assert_eq!(asked(&[Procedure::Famille]), Err(Refusal::ProcedureNotAsked));
    assert_eq!(asked(&[]), Err(Refusal::ProcedureNotAsked));
}

#[test]
fn a_pass_says_for_whom_by_whom_in_whose_name_for_what_and_until_when() {
    let (mandate, ana) = (held(), ana());
    let pass = papers(&mandate, &ana).unwrap();
    assert_eq!((pass.mandate(), pass.citizen()), (&mandate.id, &mandate.citizen));
    assert_eq!((pass.organisation(), pass.account()), (&mandate.organisation, &ana.account().id));
    assert_eq!((pass.procedure(), pass.expires_at()), (Procedure::Papiers, mandate.expires_at));
    assert_eq!(pass.authorisation(), &mandate.authorisations[0].id);
    let expected = Event::new(Kind::Use, begin())
        .by(&ana.account().id)
        .within(&mandate.organisation)
        .about(&mandate.citizen)
        .under(&mandate.id)
        .for_procedure(Procedure::Papiers)
        .at_client("service")
        .fact("authorisation", pass.authorisation().as_str());
    assert_eq!(pass.event(Kind::Use, "service", begin()), expected);
}
