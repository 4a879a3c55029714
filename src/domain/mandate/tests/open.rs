//! An opening: everything that must be there, everything it writes, and what it takes the place of.

use super::*;
use crate::domain::authenticator::FreshCode;
use crate::domain::citizen::Identity;
use crate::domain::event::{Event, Kind, Owner};
use crate::domain::mandate::document::{Document, VERSION, freeze};
use crate::domain::mandate::open::{Declaration, Ids, Opening, open, ready};

const DECLARED: Declaration = Declaration { in_front: true, informed: true };

/// Two minutes after the draft was started.
fn now() -> Instant {
    begin() + TimeDelta::minutes(2)
}

fn ids(authorisations: u128) -> Ids {
    let of = |number| AuthorisationId::new(now(), number);
    Ids { mandate: MandateId::new(now(), 1), authorisations: (1..=authorisations).map(of).collect() }
}

/// The opening of a draft in the place of what is held, and its facts.
fn opening_of(draft: Draft, held: &[Mandate]) -> (Opening, Vec<Event>) {
    open(draft, &ana(), DECLARED, FreshCode::remembered(now()), held, ids(10), now()).unwrap().into_parts()
}

fn refusal(draft: &Draft, who: &Mediator, declaration: Declaration, now: Instant) -> Option<Refusal> {
    let code = FreshCode::remembered(now);
    let opened = open(draft.clone(), who, declaration, code, &[], ids(10), now);
    assert_eq!(opened.as_ref().err(), ready(draft, who, declaration, now).as_ref().err(), "the same rule twice");
    opened.err()
}

#[test]
fn what_is_missing_is_named() {
    for (draft, expected) in [
        (agreed(), None),
        (started(), Some(Refusal::NotIdentified)),
        (identified(), Some(Refusal::NotAgreed)),
        (at(Stage::Refused), Some(Refusal::AgreementRefused)),
        (at(Stage::Cancelled), Some(Refusal::DraftUsed)),
        (at(Stage::Opened(MandateId::new(begin(), 9))), Some(Refusal::DraftUsed)),
    ] {
        assert_eq!(refusal(&draft, &ana(), DECLARED, now()), expected, "{:?}", draft.stage);
    }
}

#[test]
fn nobody_else_opens_it_and_nobody_after_fifteen_minutes() {
    for other in [bea(), ana_elsewhere(), ana_at_another_organisation()] {
        assert_eq!(refusal(&agreed(), &other, DECLARED, now()), Some(Refusal::DraftNotYours));
    }
    for (now, works) in around_its_end() {
        assert_eq!(refusal(&agreed(), &ana(), DECLARED, now), (!works).then_some(Refusal::DraftExpired), "{now}");
    }
}

#[test]
fn the_mediator_declares_both_things() {
    let absent = Declaration { in_front: false, ..DECLARED };
    let uninformed = Declaration { informed: false, ..DECLARED };
    assert_eq!(refusal(&agreed(), &ana(), absent, now()), Some(Refusal::NotInFront));
    assert_eq!(refusal(&agreed(), &ana(), uninformed, now()), Some(Refusal::NotInformed));
}

#[test]
fn a_procedure_withdrawn_since_is_not_opened() {
    let withdrawn = |who: &mut Who| who.organisation.procedures = [Procedure::Logement].into();
    let offers_less = Who::ana().but(withdrawn).mediator();
    assert_eq!(refusal(&agreed(), &offers_less, DECLARED, now()), Some(Refusal::ProcedureNotAllowed));
}

#[test]
fn the_citizen_agreed_to_this_draft_and_no_other() {
    let other_name =
        Person { identity: identity(|claims| claims.given_name = Some("Marie".to_owned())), ..josephine() };
    let widened = BTreeSet::from([Procedure::Logement, Procedure::Justice, Procedure::Argent]);
    for changed in [
        Draft { term: Term::Year, ..agreed() },
        Draft { procedures: widened, ..agreed() },
        Draft { procedures: [Procedure::Logement].into(), ..agreed() },
        Draft { citizen: Some(other_name), ..agreed() },
    ] {
        assert_eq!(refusal(&changed, &ana(), DECLARED, now()), Some(Refusal::AgreementOfAnotherText));
    }
    let renamed = Who::ana().but(|who| who.organisation.name.push_str(" et Maulette")).mediator();
    assert_eq!(refusal(&agreed(), &renamed, DECLARED, now()), Some(Refusal::AgreementOfAnotherText));
}

#[test]
fn the_code_is_not_older_than_the_draft() {
    for (at, expected) in [(begin() - MICROSECOND, Some(Refusal::FreshCodeNeeded)), (begin(), None)] {
        let opened = open(agreed(), &ana(), DECLARED, FreshCode::remembered(at), &[], ids(10), now());
        assert_eq!(opened.err(), expected, "{at}");
    }
}

#[test]
fn each_procedure_has_its_authorisation() {
    let opened = open(agreed(), &ana(), DECLARED, FreshCode::remembered(now()), &[], ids(1), now());
    assert_eq!(opened.err(), Some(Refusal::NoProcedure));
}

#[test]
fn a_mandate_is_what_was_agreed_to_from_now_on() {
    let (opening, _) = opening_of(agreed(), &[]);
    let mandate = opening.mandate;
    assert_eq!((&mandate.organisation, &mandate.citizen), (&organisation(1).id, &josephine().id));
    assert_eq!((&mandate.draft, &mandate.opened_by), (&started().id, &ana().account().id));
    assert_eq!((mandate.opened_at, mandate.expires_at), (now(), now() + TimeDelta::days(31)));
    assert_eq!((mandate.term, &mandate.session), (Term::Month, &None));
    let parts: Vec<_> = mandate.authorisations.iter().map(|one| (one.procedure, one.ended.clone())).collect();
    assert_eq!(parts, [(Procedure::Logement, None), (Procedure::Justice, None)], "in the order of the screens");
    assert_eq!(opening.draft.stage, Stage::Opened(mandate.id.clone()));
    assert_eq!((opening.person, opening.agreement), (josephine(), agreement(&agreed())));
    assert_eq!((opening.document.digest, opening.closed), (mandate.document, Vec::new()));
}

#[test]
fn a_mandate_for_a_presence_lives_in_its_session_for_an_hour() {
    let draft = Draft { term: Term::Present, ..identified() };
    let answer = yes(&draft, Language::Fr);
    let mandate = opening_of(answered(draft, &answer).unwrap(), &[]).0.mandate;
    assert_eq!(mandate.session.as_ref(), Some(ana().session()));
    assert_eq!(mandate.expires_at, now() + TimeDelta::minutes(60));
}

#[test]
fn one_fact_says_what_was_opened_and_on_which_texts() {
    let (opening, events) = opening_of(agreed(), &[]);
    let (mandate, agreement) = (opening.mandate, opening.agreement);
    let expected = Event::new(Kind::MandateOpened, now())
        .by(&ana().account().id)
        .within(&organisation(1).id)
        .about(&josephine().id)
        .under(&mandate.id)
        .fact("draft", started().id.as_str())
        .fact("procedures", "logement justice")
        .fact("term", "month")
        .fact("expires_at", "2026-12-23T09:02:00.000000Z")
        .fact("agreement", agreement.id.as_str())
        .fact("document_version", VERSION)
        .fact("assurance", "eidas2")
        .sealed_for(
            Owner::Citizen(josephine().id),
            vec![
                ("declared", "in_front informed".to_owned()),
                ("agreement_sha256", Digest::of(agreement.text.as_bytes()).to_string()),
                ("document_sha256", Digest::of(opening.document.text.as_bytes()).to_string()),
            ],
        );
    assert_eq!(events, [expected]);
}

/// A mandate of the same organisation and citizen for housing and papers, opened that long ago.
fn held(ago: TimeDelta, ended: Option<Ending>) -> Mandate {
    let part = |number, procedure, ended| Authorisation { id: AuthorisationId::new(begin(), number), procedure, ended };
    Mandate {
        id: MandateId::new(begin(), 7),
        organisation: organisation(1).id,
        citizen: josephine().id,
        opened_by: bea().account().id.clone(),
        opened_at: now() - ago,
        expires_at: now() - ago + TimeDelta::days(1),
        authorisations: vec![part(71, Procedure::Papiers, None), part(72, Procedure::Logement, ended)],
        ..mandate(Term::Day, &[])
    }
}

#[test]
fn a_live_authorisation_for_the_same_procedure_is_replaced_and_no_other_is_touched() {
    let old = held(TimeDelta::days(1) - MICROSECOND, None);
    let (opening, events) = opening_of(agreed(), std::slice::from_ref(&old));
    let ending = Ending { at: now(), kind: EndingKind::Replaced, by: Some(ana().account().id.clone()), reason: None };
    assert_eq!(opening.closed, [(AuthorisationId::new(begin(), 72), ending)]);
    let replaced = Event::new(Kind::AuthorisationReplaced, now())
        .by(&ana().account().id)
        .within(&organisation(1).id)
        .about(&josephine().id)
        .under(&old.id)
        .for_procedure(Procedure::Logement)
        .fact("authorisation", AuthorisationId::new(begin(), 72).as_str())
        .fact("replaced_by", opening.mandate.id.as_str());
    assert_eq!((events.len(), &events[0]), (2, &replaced));
    assert_eq!(events[1].kind, Kind::MandateOpened);
}

#[test]
fn one_whose_term_has_passed_leaves_its_place_and_nobody_is_said_to_have_ended_it() {
    for ago in [TimeDelta::days(1), TimeDelta::days(1) + MICROSECOND] {
        let old = held(ago, None);
        let (opening, events) = opening_of(agreed(), std::slice::from_ref(&old));
        let ending = Ending { at: old.expires_at, kind: EndingKind::Expired, by: None, reason: None };
        assert_eq!(opening.closed, [(AuthorisationId::new(begin(), 72), ending)]);
        assert_eq!(events.len(), 1, "only the opening itself: {events:?}");
    }
}

#[test]
fn what_has_ended_already_stays_as_it_ended() {
    for kind in 0..EndingKind::ALL.len() {
        let (opening, events) = opening_of(agreed(), &[held(TimeDelta::hours(1), ending(begin(), kind))]);
        assert_eq!((opening.closed, events.len()), (Vec::new(), 1));
    }
}

fn frozen(identity: &Identity, draft: &Draft) -> Document {
    let agreement = agreement(draft);
    let expires_at = draft.term.end(now());
    freeze(identity, &ana(), draft, &agreement, &MandateId::new(now(), 1), now(), expires_at)
}

#[test]
fn the_document_holds_names_procedures_term_version_instants_and_the_agreement() {
    let document = frozen(&josephine().identity, &agreed());
    let digest = agreement(&agreed()).digest.to_string();
    for part in [
        "Joséphine Marie LEMOINE (DUBOIS)",
        "24 août 1962",
        "- Logement\n- Justice\n",
        "31 jours",
        "Maison France services de Houdan, SIRET 73282932000074, 12 Grande Rue, 78550 Houdan",
        &format!("version {VERSION}\n"),
        "Ouvert le\u{a0}: 22 novembre 2026 à 10:02:00 (UTC+01:00)\n",
        "Fin le\u{a0}: 23 décembre 2026 à 10:02:00 (UTC+01:00), sauf arrêt avant\n",
        "Aidant présent\u{a0}: Ana Silva",
        "donné en personne le 22 novembre 2026 à 10:00:00 (UTC+01:00), texte lu en français",
        MandateId::new(now(), 1).as_str(),
        &digest,
    ] {
        assert!(document.text.contains(part), "{part} in {}", document.text);
    }
    assert!(!document.text.contains("\n----\n"), "the text read is the text above");
}

#[test]
fn a_document_is_a_matter_of_its_arguments_alone() {
    let (one, again) = (frozen(&josephine().identity, &agreed()), frozen(&josephine().identity, &agreed()));
    assert_eq!(one, again);
    assert_eq!(one.digest, Digest::of(one.text.as_bytes()));
    let other = frozen(&identity(|claims| claims.preferred_username = None), &agreed());
    assert_ne!(one.digest, other.digest);
    assert!(!format!("{one:?}").contains("LEMOINE"), "what is printed of it names nobody");
}

#[test]
fn whoever_read_the_text_in_english_finds_it_in_the_document() {
    let draft = agreed_in(Language::En);
    let (document, agreement) = (frozen(&josephine().identity, &draft), agreement(&draft));
    assert!(document.text.starts_with(&draft.text(&organisation(1).name, Language::Fr).unwrap()));
    assert!(document.text.ends_with(&format!("\n----\n{}", agreement.text)));
    assert!(agreement.text.contains("- Housing\n- Justice\n"));
    let (_, events) = opening_of(draft, &[]);
    let (_, sealed) = events[0].private.as_ref().unwrap();
    assert!(sealed.contains(&("agreement_sha256", agreement.digest.to_string())), "{sealed:?}");
}
