//! Who may act, for whom, and until when.

use super::*;
use crate::domain::samples::{MICROSECOND, Who, begin, one_event};

#[test]
fn an_address_has_one_stored_form() {
    assert_eq!(" Ana.Silva@Example.FR ".parse::<Email>().unwrap().as_str(), "ana.silva@example.fr");
    for refused in [
        "ana@example",
        "ana@@example.fr",
        "a@b.fr,c@d.fr",
        "Ana <ana@example.fr>",
        "ana@example.fr\r\nBcc: x@y.fr",
        "an\0a@example.fr",
        "раypal@example.fr",
        "ana@ехample.fr",
        "ana@-example.fr",
        ".ana@example.fr",
        "",
    ] {
        assert!(refused.parse::<Email>().is_err(), "{refused:?}");
    }
    assert!(format!("{}@example.fr", "a".repeat(300)).parse::<Email>().is_err());
}

#[test]
fn a_member_is_active_accepted_the_terms_and_belongs_to_an_organisation_that_works() {
    let refused = |change: fn(&mut Who)| Who::ana().but(change).member().map(drop);
    assert_eq!(refused(|_| ()), Ok(()));
    assert_eq!(refused(|who| who.account.active = false), Err(Refusal::AccountInactive));
    assert_eq!(refused(|who| who.account.terms = None), Err(Refusal::TermsNotAccepted));
    assert_eq!(refused(|who| who.account.terms = Some("2025-01".to_owned())), Err(Refusal::TermsNotAccepted));
    assert_eq!(refused(|who| who.membership.mediator = false), Err(Refusal::NotAMember));
    let elsewhere = |who: &mut Who| who.membership.organisation = OrganisationId::new(begin(), 2);
    assert_eq!(refused(elsewhere), Err(Refusal::NotAMember));
    assert_eq!(refused(|who| who.organisation.suspended_at = Some(begin())), Err(Refusal::OrganisationSuspended));
}

#[test]
fn a_manager_is_a_member_and_no_mediator() {
    let manager = |who: &mut Who| (who.membership.mediator, who.membership.manager) = (false, true);
    let member = Who::ana().but(manager).member().unwrap();
    assert!(member.is_manager());
    assert_eq!(Mediator::new(member, begin()).map(drop), Err(Refusal::NotAMediator));
    assert!(!Who::ana().member().unwrap().is_manager());
}

#[test]
fn a_certification_holds_until_the_exact_instant_of_its_end() {
    let end = begin();
    let member = Who::ana().but(|who| who.membership.certified_until = Some(end)).member().unwrap();
    for (now, certified) in [(end - MICROSECOND, true), (end, false), (end + MICROSECOND, false)] {
        let expected = if certified { Ok(()) } else { Err(Refusal::NotCertified) };
        assert_eq!(Mediator::new(member.clone(), now).map(drop), expected, "{now}");
    }
}

#[test]
fn a_new_account_says_its_role_in_the_clear_and_its_name_under_seal() {
    let Who { account, membership, .. } = Who::ana();
    let role = |mediator, manager| Some(Membership { mediator, manager, ..membership.clone() });
    let auditor = Account { auditor: true, ..account.clone() };
    for (account, membership, name) in [
        (&account, role(true, true), "mediator_and_manager"),
        (&account, role(true, false), "mediator"),
        (&account, role(false, true), "manager"),
        (&auditor, None, "auditor"),
        (&account, None, "none"),
    ] {
        let (_, event) = one_event(account.clone().create(membership.as_ref(), begin()));
        let expected = Event::new(Kind::AccountCreated, begin()).on(&account.id).fact("role", name).sealed_for(
            Owner::Account(account.id.clone()),
            vec![("email", "ana.silva@houdan.example.fr".to_owned()), ("name", "Ana Silva".to_owned())],
        );
        let expected = match membership {
            Some(membership) => expected.within(&membership.organisation),
            None => expected,
        };
        assert_eq!(event, expected);
    }
}

#[test]
fn an_account_is_deactivated_and_reactivated_once_each() {
    let account = Who::ana().account;
    let (inactive, event) = one_event(account.clone().deactivate(begin()));
    assert_eq!(event, Event::new(Kind::AccountDeactivated, begin()).on(&account.id));
    assert!(!inactive.active);
    assert_eq!(inactive.clone().deactivate(begin()).into_parts(), (inactive.clone(), Vec::new()));
    let (active, event) = one_event(inactive.reactivate(begin()));
    assert_eq!(event, Event::new(Kind::AccountReactivated, begin()).on(&account.id));
    assert_eq!(active.clone().reactivate(begin()).into_parts(), (active, Vec::new()));
}

#[test]
fn accepting_the_terms_says_which_version() {
    let before = Who::ana().but(|who| who.account.terms = None).account;
    assert!(!before.accepted_terms());
    let (after, event) = one_event(before.accept_terms(begin()));
    assert!(after.accepted_terms());
    assert_eq!(event, Event::new(Kind::TermsAccepted, begin()).by(&after.id).fact("version", TERMS_VERSION));
}

#[test]
fn what_is_printed_of_an_account_names_nobody() {
    let printed = format!("{:?}", Who::ana().account);
    assert!(!printed.contains("Silva") && !printed.contains('@'), "{printed}");
}
