//! The rules of a mandate for any mandate and any instant, and what the tests of each rule begin with.

mod draft;
mod exercise;
mod open;
mod revoke;

use std::collections::BTreeSet;

use chrono::TimeDelta;
use proptest::prelude::*;

use super::draft::{Answer, Draft, LIFE, Person, Stage};
use super::revoke::{Extent, Reason};
use super::*;
use crate::domain::agreement::Agreement;
use crate::domain::assurance::Assurance;
use crate::domain::id::AgreementId;
use crate::domain::language::Language;
use crate::domain::mediator::Mediator;
use crate::domain::samples::{MICROSECOND, Who, begin, identity, organisation};

/// Ana, at an organisation whose name is in no text here.
fn mediator(organisation: &OrganisationId) -> Mediator {
    let moved = |who: &mut Who| {
        who.organisation.id = organisation.clone();
        who.membership.organisation = organisation.clone();
    };
    Who::ana().but(moved).mediator()
}

fn ana() -> Mediator {
    Who::ana().mediator()
}

/// Ana again, signed in at another machine.
fn ana_elsewhere() -> Mediator {
    Who::ana().but(|who| who.session = SessionId::new(begin(), 2)).mediator()
}

/// A colleague of Ana's, at the same machine.
fn bea() -> Mediator {
    Who::ana().but(|who| who.account.id = AccountId::new(begin(), 2)).mediator()
}

/// Ana, with another of her organisations chosen.
fn ana_at_another_organisation() -> Mediator {
    Who::ana().at(2).mediator()
}

fn josephine() -> Person {
    Person { id: CitizenId::new(begin(), 1), identity: identity(|_| ()), assurance: Assurance::Substantial }
}

/// A draft of Ana's for housing and justice, one month.
fn started() -> Draft {
    let procedures = BTreeSet::from([Procedure::Logement, Procedure::Justice]);
    Draft::start(&ana(), procedures, Term::Month, DraftId::new(begin(), 1), begin()).unwrap()
}

fn identified() -> Draft {
    let today = begin().date_naive();
    started().identified(&ana(), josephine(), today, begin()).unwrap().into_parts().0
}

/// What the citizen's screen sends back when they agree.
fn yes(draft: &Draft, language: Language) -> Answer {
    let shown = Digest::of(draft.text(&organisation(1).name, language).unwrap().as_bytes()).to_string();
    Answer { agrees: true, declares_no_protection: true, language, shown }
}

fn answered(draft: Draft, answer: &Answer) -> Result<Draft, Refusal> {
    let answered = draft.answered(answer, &organisation(1).name, AgreementId::new(begin(), 1), begin());
    answered.map(|changed| changed.into_parts().0)
}

/// A draft to which Joséphine agreed, in French unless said otherwise.
fn agreed_in(language: Language) -> Draft {
    let draft = identified();
    let answer = yes(&draft, language);
    answered(draft, &answer).unwrap()
}

fn agreed() -> Draft {
    agreed_in(Language::Fr)
}

fn agreement(draft: &Draft) -> Agreement {
    let Stage::Agreed(agreement) = &draft.stage else { panic!("{:?}", draft.stage) };
    agreement.clone()
}

/// The draft, at another stage.
fn at(stage: Stage) -> Draft {
    Draft { stage, ..agreed() }
}

/// A draft works until the last microsecond of its quarter of an hour: instants, and whether it does.
fn around_its_end() -> [(Instant, bool); 3] {
    let end = begin() + LIFE;
    [(end - MICROSECOND, true), (end, false), (end + MICROSECOND, false)]
}

fn ending(at: Instant, kind: usize) -> Option<Ending> {
    EndingKind::ALL.get(kind).map(|kind| Ending { at, kind: *kind, by: None, reason: None })
}

/// A mandate opened at the epoch, whose authorisations ended in these ways (or not: four).
fn mandate(term: Term, endings: &[usize]) -> Mandate {
    let at = Instant::UNIX_EPOCH;
    let part = |(procedure, kind): (Procedure, &usize)| Authorisation {
        id: AuthorisationId::new(at, procedure as u128),
        procedure,
        ended: ending(at, *kind),
    };
    Mandate {
        id: MandateId::new(at, 1),
        organisation: OrganisationId::new(at, 1),
        citizen: CitizenId::new(at, 1),
        draft: DraftId::new(at, 1),
        opened_by: AccountId::new(at, 1),
        opened_at: at,
        expires_at: term.end(at),
        term,
        session: None,
        authorisations: Procedure::ALL.into_iter().zip(endings).map(part).collect(),
        document: Digest::of(b"text"),
        assurance: Assurance::Low,
    }
}

proptest! {
    #[test]
    fn an_authorisation_works_if_and_only_if_it_is_open_and_the_term_runs(
        term in prop::sample::select(&Term::ALL[..]),
        endings in prop::collection::vec(0_usize..5, 1..10),
        seconds in 0_i64..40_000_000,
    ) {
        let (mandate, now) = (mandate(term, &endings), Instant::UNIX_EPOCH + TimeDelta::seconds(seconds));
        let mediator = mediator(&mandate.organisation);
        let live: BTreeSet<_> = mandate.live(now).map(|one| one.procedure).collect();
        prop_assert_eq!(mandate.standing(now) == Standing::Active, !live.is_empty());
        for authorisation in &mandate.authorisations {
            let works = authorisation.ended.is_none() && now < mandate.expires_at;
            prop_assert_eq!(live.contains(&authorisation.procedure), works);
            let pass = mandate.exercise(&mediator, authorisation.procedure, None, now);
            prop_assert_eq!(pass.is_ok(), works);
            let asked = BTreeSet::from([Procedure::Loisirs]);
            prop_assert!(mandate.exercise(&mediator, authorisation.procedure, Some(&asked), now).is_err());
        }
        prop_assert!(mandate.exercise(&mediator, Procedure::Loisirs, None, now).is_err(), "not named");
    }

    #[test]
    fn a_revocation_ends_what_was_live_and_nothing_else(
        endings in prop::collection::vec(0_usize..5, 1..10),
        whole in any::<bool>(),
    ) {
        let (before, now) = (mandate(Term::Month, &endings), Instant::UNIX_EPOCH + TimeDelta::days(1));
        let mediator = mediator(&before.organisation);
        let extent = if whole { Extent::Whole } else { Extent::One(Procedure::Papiers) };
        let touched = before.live(now).filter(|one| whole || one.procedure == Procedure::Papiers).count();
        match before.clone().revoke(&mediator, extent, Reason::Mistake, now) {
            Err(refusal) => prop_assert_eq!((refusal, touched), (Refusal::NothingToRevoke, 0)),
            Ok(revoked) => {
                let (after, events) = revoked.into_parts();
                prop_assert_eq!(events.len(), touched, "one entry for each");
                for (old, new) in before.authorisations.iter().zip(&after.authorisations) {
                    if old.ended.is_some() || (!whole && old.procedure != Procedure::Papiers) {
                        prop_assert_eq!(old, new);
                    } else {
                        prop_assert_eq!(after.standing_of(new, now), Standing::Ended(EndingKind::Revoked));
                    }
                }
            }
        }
    }
}

#[test]
fn an_authorisation_says_how_it_ended_before_it_says_that_its_term_passed() {
    let now = Term::Day.end(Instant::UNIX_EPOCH);
    let mandate = mandate(Term::Day, &[0, 1, 2, 3, 4]);
    let standings: Vec<_> = mandate.authorisations.iter().map(|one| mandate.standing_of(one, now)).collect();
    let ended = [EndingKind::Revoked, EndingKind::Replaced, EndingKind::PresenceEnded].map(Standing::Ended);
    assert_eq!(standings[..3], ended);
    assert_eq!(standings[3..], [Standing::Expired, Standing::Expired]);
    assert_eq!(mandate.standing(now - MICROSECOND), Standing::Active, "one of five still works");
    assert_eq!(mandate.live(now).count(), 0);
}

#[test]
fn a_mandate_stays_on_the_screens_for_365_days_after_its_last_end() {
    let at = Instant::UNIX_EPOCH;
    for (mandate, end) in [(mandate(Term::Day, &[0, 4]), Term::Day.end(at)), (mandate(Term::Day, &[0, 1]), at)] {
        assert_eq!(mandate.last_end(), end);
        assert!(mandate.is_shown(end + SHOWN_AFTER_END - MICROSECOND));
        assert!(!mandate.is_shown(end + SHOWN_AFTER_END));
    }
}
