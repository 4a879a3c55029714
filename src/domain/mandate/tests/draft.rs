//! A draft goes forward step by step, in the hands of one mediator, within a quarter of an hour.

use super::*;
use crate::domain::agreement::Method;
use crate::domain::citizen::Claims;
use crate::domain::event::{Event, Kind, Owner};
use crate::domain::samples::one_event;

fn start(who: &Mediator, procedures: &[Procedure]) -> Result<Draft, Refusal> {
    let chosen = procedures.iter().copied().collect();
    Draft::start(who, chosen, Term::Month, DraftId::new(begin(), 1), begin())
}

fn identify(draft: Draft, change: impl FnOnce(&mut Claims)) -> Result<Draft, Refusal> {
    let person = Person { identity: identity(change), ..josephine() };
    let changed = draft.identified(&ana(), person, begin().date_naive(), begin());
    changed.map(|changed| changed.into_parts().0)
}

fn opened() -> Stage {
    Stage::Opened(MandateId::new(begin(), 1))
}

#[test]
fn an_opening_starts_with_procedures_that_the_organisation_offers() {
    let only_housing = Who::ana().but(|who| who.organisation.procedures = [Procedure::Logement].into()).mediator();
    assert_eq!(start(&ana(), &[]), Err(Refusal::NoProcedure));
    let too_many = [Procedure::Logement, Procedure::Justice];
    assert_eq!(start(&only_housing, &too_many), Err(Refusal::ProcedureNotAllowed));
    assert!(start(&only_housing, &[Procedure::Logement]).is_ok());
}

#[test]
fn a_new_draft_is_bound_to_who_started_it_and_names_nobody() {
    let draft = started();
    let ana = ana();
    assert_eq!((&draft.account, &draft.session), (&ana.account().id, ana.session()));
    assert_eq!((&draft.organisation, draft.created_at), (&ana.organisation().id, begin()));
    assert_eq!((draft.stage, draft.citizen), (Stage::Started, None));
}

#[test]
fn a_draft_is_nobody_elses() {
    assert_eq!(started().bound_to(&ana()), Ok(()));
    for other in [bea(), ana_elsewhere(), ana_at_another_organisation()] {
        let today = begin().date_naive();
        assert_eq!(started().bound_to(&other), Err(Refusal::DraftNotYours));
        assert_eq!(started().identified(&other, josephine(), today, begin()), Err(Refusal::DraftNotYours));
        assert_eq!(started().cancel(&other, begin()), Err(Refusal::DraftNotYours));
    }
}

#[test]
fn a_draft_works_for_fifteen_minutes() {
    for (now, works) in around_its_end() {
        let expected = if works { Ok(()) } else { Err(Refusal::DraftExpired) };
        for stage in [Stage::Started, Stage::Identified, agreed().stage] {
            assert_eq!(at(stage).alive(now), expected, "{now}");
        }
        let identified_now = started().identified(&ana(), josephine(), begin().date_naive(), now).map(drop);
        assert_eq!(identified_now, expected, "{now}");
        let (draft, id) = (identified(), AgreementId::new(begin(), 1));
        let answer = yes(&draft, Language::Fr);
        assert_eq!(draft.answered(&answer, &organisation(1).name, id, now).map(drop), expected, "{now}");
    }
}

#[test]
fn what_is_over_stays_over_however_young() {
    for (stage, refusal) in [
        (opened(), Refusal::DraftUsed),
        (Stage::Cancelled, Refusal::DraftUsed),
        (Stage::Refused, Refusal::AgreementRefused),
    ] {
        for now in [begin(), begin() + LIFE] {
            assert_eq!(at(stage.clone()).alive(now), Err(refusal));
        }
        assert_eq!(identify(at(stage.clone()), |_| ()), Err(refusal));
        let answer = yes(&agreed(), Language::Fr);
        assert_eq!(answered(at(stage), &answer), Err(refusal));
    }
}

#[test]
fn a_citizen_identifies_once() {
    assert_eq!(identify(identified(), |_| ()), Err(Refusal::DraftOutOfOrder));
    assert_eq!(identify(agreed(), |_| ()), Err(Refusal::DraftOutOfOrder));
}

#[test]
fn whoever_is_not_certainly_of_age_is_refused() {
    for (birthdate, refused) in [
        ("2008-11-22", false),
        ("2008-11-23", true),
        ("2008-11-00", true),
        ("2008-10-00", false),
        ("2008-00-00", true),
        ("2007-00-00", false),
    ] {
        let outcome = identify(started(), |claims| claims.birthdate = Some(birthdate.to_owned()));
        assert_eq!(outcome.err(), refused.then_some(Refusal::Minor), "{birthdate}");
    }
}

#[test]
fn a_mediator_is_not_the_citizen_by_name_or_by_address() {
    let named = |given: &str, family: &str, used: Option<&str>| {
        let (given, family, used) = (given.to_owned(), family.to_owned(), used.map(str::to_owned));
        identify(started(), |claims| {
            (claims.given_name, claims.family_name, claims.preferred_username) = (Some(given), Some(family), used);
        })
    };
    for (given, family, used) in [
        ("Ana", "SILVA", None),
        ("ANA", "silva", None),
        ("Ana Maria", "SILVA", None),
        ("Ana Maria", "LEMOINE", Some("SILVA")),
    ] {
        assert_eq!(named(given, family, used), Err(Refusal::MediatorIsCitizen), "{given} {family}");
    }
    assert!(named("Ana", "SILVESTRE", None).is_ok());
    assert!(named("Maria Ana", "SILVA", None).is_ok(), "the first of several first names is the usual one");
    let same_address = |claims: &mut Claims| claims.email = Some("Ana.Silva@Houdan.example.fr".to_owned());
    assert_eq!(identify(started(), same_address), Err(Refusal::MediatorIsCitizen));
}

#[test]
fn an_identification_is_a_fact_about_the_citizen() {
    let (draft, event) = one_event(started().identified(&ana(), josephine(), begin().date_naive(), begin()).unwrap());
    assert_eq!((draft.stage, draft.citizen), (Stage::Identified, Some(josephine())));
    let expected = Event::new(Kind::CitizenIdentified, begin())
        .by(&ana().account().id)
        .within(&organisation(1).id)
        .about(&josephine().id)
        .fact("draft", draft.id.as_str());
    assert_eq!(event, expected);
}

#[test]
fn the_text_names_everything_the_mandate_will_be() {
    assert_eq!(started().text("Maison", Language::Fr), Err(Refusal::NotIdentified));
    let draft = identified();
    let text = draft.text("Maison", Language::Fr).unwrap();
    for part in
        ["Joséphine Marie LEMOINE (DUBOIS)", "24 août 1962", "Maison", "- Logement\n", "- Justice\n", "31 jours"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains('{') && !text.contains("Loisirs"));
    let others = [
        draft.text("Maison", Language::En).unwrap(),
        draft.text("Mairie", Language::Fr).unwrap(),
        Draft { term: Term::Day, ..draft.clone() }.text("Maison", Language::Fr).unwrap(),
        Draft { procedures: [Procedure::Logement].into(), ..draft }.text("Maison", Language::Fr).unwrap(),
    ];
    assert!(others.iter().all(|other| *other != text));
}

#[test]
fn a_name_that_looks_like_a_placeholder_stays_a_name() {
    let draft = identify(started(), |claims| claims.given_name = Some("{term}".to_owned())).unwrap();
    assert!(draft.text("{procedures}", Language::En).unwrap().contains("I am {term} LEMOINE (DUBOIS)."));
}

#[test]
fn an_answer_comes_after_the_identification_and_once() {
    let answer = yes(&identified(), Language::Fr);
    assert_eq!(answered(started(), &answer), Err(Refusal::DraftOutOfOrder));
    assert_eq!(answered(agreed(), &answer), Err(Refusal::DraftOutOfOrder));
    let no = Answer { agrees: false, ..answer.clone() };
    assert_eq!(answered(agreed(), &no), Err(Refusal::DraftOutOfOrder));
    let refused = answered(identified(), &no).unwrap();
    assert_eq!(answered(refused, &answer), Err(Refusal::AgreementRefused));
}

#[test]
fn the_same_answer_sent_again_is_known() {
    let yes = yes(&identified(), Language::Fr);
    let no = Answer { agrees: false, ..yes.clone() };
    assert!(!identified().holds(&yes) && !identified().holds(&no), "nothing is answered yet");
    let agreed = answered(identified(), &yes).unwrap();
    assert!(agreed.holds(&yes) && !agreed.holds(&no));
    assert!(!agreed.holds(&Answer { language: Language::En, ..yes.clone() }));
    assert!(!agreed.holds(&Answer { shown: Digest::of(b"another text").to_string(), ..yes.clone() }));
    assert!(
        !agreed.holds(&Answer { declares_no_protection: false, ..yes.clone() }),
        "nobody declared less than was agreed"
    );
    let refused = answered(identified(), &no).unwrap();
    assert!(refused.holds(&no) && !refused.holds(&yes));
}

#[test]
fn an_agreement_is_to_exactly_the_text_shown_and_declares_that_no_measure_protects() {
    let right = yes(&identified(), Language::Fr);
    let undeclared = Answer { declares_no_protection: false, ..right.clone() };
    assert_eq!(answered(identified(), &undeclared), Err(Refusal::ProtectionNotDeclared));
    let upper = right.shown.to_uppercase();
    for shown in [String::new(), Digest::of(b"another text").to_string(), upper, yes(&identified(), Language::En).shown]
    {
        let other = Answer { shown, ..right.clone() };
        assert_eq!(answered(identified(), &other), Err(Refusal::AgreementOfAnotherText));
    }
    let id = AgreementId::new(begin(), 1);
    let renamed = identified().answered(&right, "Maison renommée", id, begin());
    assert_eq!(renamed, Err(Refusal::AgreementOfAnotherText));
}

/// The citizen's own act: nobody with an account did it.
fn citizens_act(kind: Kind) -> Event {
    Event::new(kind, begin())
        .within(&organisation(1).id)
        .about(&josephine().id)
        .fact("draft", started().id.as_str())
        .fact("mediator", ana().account().id.as_str())
}

#[test]
fn an_agreement_is_the_citizens_own_act_and_says_how_in_which_language_and_to_what() {
    let (draft, id) = (identified(), AgreementId::new(begin(), 1));
    let answer = yes(&draft, Language::En);
    let text = draft.text(&organisation(1).name, Language::En).unwrap();
    let (draft, event) = one_event(draft.answered(&answer, &organisation(1).name, id.clone(), begin()).unwrap());
    let expected = citizens_act(Kind::AgreementGiven)
        .fact("agreement", id.as_str())
        .fact("method", "in_person")
        .fact("language", "en")
        .sealed_for(Owner::Citizen(josephine().id), vec![("text_sha256", answer.shown)]);
    assert_eq!(event, expected);
    let (at, digest) = (begin(), Digest::of(text.as_bytes()));
    assert_eq!(agreement(&draft), Agreement { id, at, method: Method::InPerson, language: Language::En, text, digest });
}

#[test]
fn a_refusal_is_the_citizens_own_act_and_needs_no_declaration() {
    let no = Answer { agrees: false, declares_no_protection: false, language: Language::Fr, shown: String::new() };
    let (draft, event) =
        one_event(identified().answered(&no, "Maison", AgreementId::new(begin(), 1), begin()).unwrap());
    assert_eq!((draft.stage, event), (Stage::Refused, citizens_act(Kind::AgreementRefused)));
    let not_accepted = citizens_act(Kind::OpeningRefused).fact("reason", "protection_not_declared");
    assert_eq!(identified().answer_refused(Refusal::ProtectionNotDeclared, begin()), not_accepted);
}

#[test]
fn a_draft_is_abandoned_at_any_step_and_age_but_not_once_it_is_used() {
    for stage in [Stage::Started, Stage::Identified, agreed().stage, Stage::Refused] {
        let (draft, event) = one_event(at(stage).cancel(&ana(), begin() + LIFE).unwrap());
        assert_eq!(draft.stage, Stage::Cancelled);
        assert_eq!(
            (event.kind, event.actor, event.citizen),
            (Kind::DraftCancelled, Some(draft.account), Some(josephine().id))
        );
        assert_eq!(event.facts, [("draft", draft.id.to_string())]);
    }
    assert!(at(Stage::Cancelled).is_given_up_by(&ana()) && !at(Stage::Refused).is_given_up_by(&ana()));
    assert!(!at(Stage::Cancelled).is_given_up_by(&Who::ana().at(2).mediator()), "nobody else did");
    for stage in [opened(), Stage::Cancelled] {
        assert_eq!(at(stage).cancel(&ana(), begin()), Err(Refusal::DraftUsed));
    }
}
