use super::*;
use crate::domain::id::HoldId;
use crate::domain::retention::Stage;
use crate::domain::samples::{MICROSECOND, Who, begin, fact, one_event};

const FREE: Standing = Standing { destroyed: false, held: false };

fn officer_in(number: u128, session: u128) -> Officer {
    let who = Who::ana().but(|who| {
        who.account.id = AccountId::new(begin(), number);
        who.account.officer = true;
        who.session = SessionId::new(begin(), session);
    });
    Officer::new(who.account, who.session).unwrap()
}

fn officer(number: u128) -> Officer {
    officer_in(number, number)
}

fn code(at: Instant) -> FreshCode {
    FreshCode::remembered(at)
}

fn citizen() -> CitizenId {
    CitizenId::new(begin(), 7)
}

fn asked() -> Request {
    let id = ErasureId::new(begin(), 1);
    let asked = Request::ask(id, citizen(), FREE, Ground::PersonAsked, &officer(1), code(begin())).unwrap();
    let (request, event) = one_event(asked);
    assert_eq!(
        (event.kind, event.actor, event.citizen),
        (Kind::ErasureRequested, Some(officer(1).account().id.clone()), Some(citizen()))
    );
    request
}

#[test]
fn only_an_active_officer_is_one() {
    let who = || Who::ana().but(|who| who.account.officer = true);
    let is = |who: Who| Officer::new(who.account, who.session).map(drop);
    assert_eq!(is(Who::ana()), Err(Refusal::NotAnOfficer));
    assert_eq!(is(who().but(|who| who.account.active = false)), Err(Refusal::AccountInactive));
    assert_eq!(is(who().but(|who| who.account.terms = None)), Err(Refusal::TermsNotAccepted));
    assert_eq!(is(who()), Ok(()));
}

#[test]
fn another_officer_in_another_session_approves() {
    let later = begin() + TimeDelta::days(1);
    let approved = asked().approve(FREE, &officer(2), code(later)).unwrap();
    let (request, event) = one_event(approved.request);
    let by = officer(2).account().id.clone();
    assert_eq!(request.decided, Some(Decided { decision: Decision::Approved, at: later, by: Some(by.clone()) }));
    assert_eq!((event.kind, event.actor), (Kind::ErasureApproved, Some(by.clone())));
    let (passage, event) = one_event(approved.passage);
    assert_eq!((passage.to, event.kind, event.actor.as_ref()), (Stage::Destroyed, Kind::PersonDestroyed, Some(&by)));
    assert_eq!((fact(&event, "ground"), fact(&event, "erasure")), (Some("person_asked"), Some(request.id.as_str())));
    assert_eq!(approved.reason, Reason::CitizenAsked);
}

#[test]
fn whoever_asked_does_not_approve_from_any_session_nor_anybody_in_theirs() {
    for one in [officer(1), officer_in(1, 9), officer_in(2, 1)] {
        assert_eq!(asked().approve(FREE, &one, code(begin())).unwrap_err(), Refusal::SameOfficer);
    }
}

#[test]
fn thirty_days_later_it_is_over() {
    let end = begin() + LIFE;
    assert!(asked().waits(end - MICROSECOND) && !asked().waits(end));
    assert!(asked().approve(FREE, &officer(2), code(end - MICROSECOND)).is_ok());
    assert_eq!(asked().approve(FREE, &officer(2), code(end)).unwrap_err(), Refusal::ErasureOver);
    assert_eq!(asked().decline(&officer(2), end).unwrap_err(), Refusal::ErasureOver);
    assert!(asked().expire(end - MICROSECOND).is_none());
    let (over, event) = one_event(asked().expire(end).unwrap());
    assert_eq!((event.kind, event.actor), (Kind::ErasureExpired, None));
    assert!(over.expire(end).is_none(), "once");
}

#[test]
fn what_was_decided_is_not_decided_again() {
    let declined = asked().decline(&officer(1), begin()).unwrap();
    assert_eq!(declined.value().decided.as_ref().map(|decided| decided.decision), Some(Decision::Declined));
    let (declined, event) = one_event(declined);
    assert_eq!(event.kind, Kind::ErasureDeclined);
    assert_eq!(declined.clone().approve(FREE, &officer(2), code(begin())).unwrap_err(), Refusal::ErasureOver);
    assert_eq!(declined.decline(&officer(2), begin()).unwrap_err(), Refusal::ErasureOver);
}

#[test]
fn a_hold_and_a_destruction_stop_both_steps_and_a_second_hold() {
    for (standing, refusal) in [
        (Standing { held: true, ..FREE }, Refusal::PersonHeld),
        (Standing { destroyed: true, ..FREE }, Refusal::PersonErased),
        (Standing { destroyed: true, held: true }, Refusal::PersonErased),
    ] {
        let id = ErasureId::new(begin(), 1);
        let again = Request::ask(id, citizen(), standing, Ground::Died, &officer(1), code(begin()));
        assert_eq!(again.unwrap_err(), refusal);
        assert_eq!(asked().approve(standing, &officer(2), code(begin())).unwrap_err(), refusal);
        let (hold, person) = (HoldId::new(begin(), 1), Owner::Citizen(citizen()));
        let again = Hold::set(hold, person, standing, HoldGround::Inquiry, &officer(1), begin());
        assert_eq!(again.unwrap_err(), refusal);
    }
}

#[test]
fn a_hold_is_set_once_and_lifted_once() {
    let person = Owner::Citizen(citizen());
    let set = Hold::set(HoldId::new(begin(), 1), person, FREE, HoldGround::Litigation, &officer(1), begin()).unwrap();
    let (hold, event) = one_event(set);
    assert_eq!((event.kind, fact(&event, "ground")), (Kind::HoldSet, Some("litigation")));
    let (lifted, event) = one_event(hold.lift(&officer(2), begin()));
    assert_eq!((event.kind, lifted.lifted.as_ref().map(|(_, at)| *at)), (Kind::HoldLifted, Some(begin())));
    assert!(lifted.lift(&officer(1), begin()).into_parts().1.is_empty());
}

#[test]
fn every_ground_is_read_back_and_no_other() {
    for ground in Ground::ALL {
        assert_eq!(ground.to_string().parse(), Ok(*ground));
    }
    for ground in HoldGround::ALL {
        assert_eq!(ground.code().parse(), Ok(*ground));
    }
    assert_eq!("because".parse::<Ground>(), Err(Refusal::NoGround));
}
