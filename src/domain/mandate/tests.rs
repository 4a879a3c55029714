//! The rules of a mandate for any mandate, any instant: one function decides whether an authorisation works.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use proptest::prelude::*;

use super::revoke::{Extent, Reason};
use super::*;
use crate::domain::mediator::{Account, Mediator, Member, Membership, TERMS_VERSION};
use crate::domain::organisation::Organisation;

fn mediator(organisation: &OrganisationId) -> Mediator {
    let at = Instant::UNIX_EPOCH;
    let account = Account {
        id: AccountId::new(at, 1),
        email: "ana@example.fr".parse().unwrap(),
        name: "Ana Silva".into(),
        auditor: false,
        active: true,
        terms: Some(TERMS_VERSION.into()),
    };
    let accredited = Organisation {
        id: organisation.clone(),
        name: "Maison".into(),
        siret: "73282932000074".parse().unwrap(),
        address: String::new(),
        zone: "Europe/Paris".into(),
        procedures: Procedure::ALL.into(),
        suspended_at: None,
    };
    let role = Membership { organisation: organisation.clone(), mediator: true, manager: false, certified_until: None };
    Mediator::new(Member::new(account, role, accredited, SessionId::new(at, 1)).unwrap(), at).unwrap()
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
