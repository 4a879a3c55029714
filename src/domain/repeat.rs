//! Answering a service again without a page (`prompt=none`): only what the mediator chose a moment ago, in the same session, at the same
//! service, and nothing more than then. Whether the mandate still stands is asked afterwards, as for every use.

use chrono::TimeDelta;

use super::Instant;
use super::flow::Flow;
use super::grant::{CODE_LIFE, Grant};
use super::id::FlowId;
use super::mediator::Mediator;
use super::refusal::Refusal;

/// How long a choice counts, and the code before it.
pub const SILENCE: TimeDelta = TimeDelta::minutes(15);

/// What is missing before a request can be answered without a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// The mediator must sign in, or type a code; or it was another session that the service speaks of.
    SignIn,
    /// The mediator must choose.
    Choice,
    /// The citizen's agreement does not cover it, or no longer.
    Agreement,
}

impl Needs {
    /// What stands in the way, by the rule that refused the use.
    #[must_use]
    pub const fn from_refusal(refusal: Refusal) -> Self {
        match refusal {
            // The mandate may hold another procedure that the service accepts now.
            Refusal::ProcedureNotAsked => Self::Choice,
            _ => Self::Agreement,
        }
    }
}

impl Flow {
    /// The choice that it repeats, among those made in this session at this client; `hint` names one of them. Without a hint there must
    /// be nothing to choose from. A repetition is no choice: it makes none younger.
    ///
    /// # Errors
    /// What a page would have to ask.
    pub fn repeated<'g>(
        &self,
        hint: Option<&FlowId>,
        choices: &'g [Grant],
        mediator: &Mediator,
        now: Instant,
    ) -> Result<&'g Grant, Needs> {
        let stands = |one: &&Grant| {
            let chosen_at = one.code_expires_at - CODE_LIFE;
            one.repeats.is_none()
                && one.revoked_at.is_none()
                && one.client == self.client
                && one.organisation == mediator.organisation().id
                && super::runs(now, chosen_at + SILENCE)
        };
        let mine = |one: &&Grant| one.session == *mediator.session();
        let chosen = if let Some(hint) = hint {
            let named = choices.iter().filter(mine).find(|one| one.flow == *hint).ok_or(Needs::SignIn)?;
            Some(named).filter(stands).ok_or(Needs::Choice)?
        } else {
            let mut standing = choices.iter().filter(mine).filter(stands);
            let first = standing.next().ok_or(Needs::Choice)?;
            let same = |other: &Grant| (&other.mandate, other.procedure) == (&first.mandate, first.procedure);
            if !standing.all(same) {
                return Err(Needs::Choice);
            }
            first
        };
        // Nothing more than was given then.
        let given = |scope: &str| chosen.scope.split(' ').any(|one| one == scope);
        if self.scope.split(' ').all(given) { Ok(chosen) } else { Err(Needs::Agreement) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::grant::tests::grant;
    use crate::domain::id::{MandateId, OrganisationId, SessionId};
    use crate::domain::procedure::Procedure;
    use crate::domain::samples::{MICROSECOND, Who, begin};

    /// A choice of Ana's, made at the beginning.
    fn choice(who: &Who) -> Grant {
        Grant { session: who.session.clone(), organisation: who.organisation.id.clone(), ..grant() }
    }

    fn repeated(scope: &str, hint: Option<&FlowId>, choices: &[Grant], now: Instant) -> Result<FlowId, Needs> {
        let flow = Flow { scope: scope.to_owned(), ..crate::domain::flow::tests::flow() };
        flow.repeated(hint, choices, &Who::ana().mediator(), now).map(|chosen| chosen.flow.clone())
    }

    #[test]
    fn what_was_chosen_a_moment_ago_is_repeated_with_a_hint_or_alone() {
        let (ana, id) = (Who::ana(), FlowId::new(begin(), 1));
        let choices = [choice(&ana)];
        assert_eq!(repeated("openid", None, &choices, begin()), Ok(id.clone()));
        assert_eq!(repeated("openid", Some(&id), &choices, begin()), Ok(id.clone()));
        assert_eq!(repeated("openid", None, &[], begin()), Err(Needs::Choice));
        assert_eq!(repeated("openid", Some(&FlowId::new(begin(), 2)), &choices, begin()), Err(Needs::SignIn));
    }

    #[test]
    fn a_choice_counts_for_a_quarter_of_an_hour() {
        let (choices, id) = ([choice(&Who::ana())], FlowId::new(begin(), 1));
        assert_eq!(repeated("openid", None, &choices, begin() + SILENCE - MICROSECOND), Ok(id.clone()));
        for hint in [None, Some(&id)] {
            assert_eq!(repeated("openid", hint, &choices, begin() + SILENCE), Err(Needs::Choice));
        }
    }

    #[test]
    fn what_is_revoked_repeated_elsewhere_or_anothers_is_no_choice() {
        let (ana, id) = (Who::ana(), FlowId::new(begin(), 1));
        let changed = |change: fn(&mut Grant)| {
            let mut one = choice(&ana);
            change(&mut one);
            [one]
        };
        for (what, choices) in [
            ("revoked", changed(|one| one.revoked_at = Some(begin()))),
            ("repeated", changed(|one| one.repeats = Some(FlowId::new(begin(), 9)))),
            ("another client's", changed(|one| one.client = "other".to_owned())),
            ("another organisation's", changed(|one| one.organisation = OrganisationId::new(begin(), 9))),
        ] {
            assert_eq!(repeated("openid", None, &choices, begin()), Err(Needs::Choice), "{what}");
            assert_eq!(repeated("openid", Some(&id), &choices, begin()), Err(Needs::Choice), "{what}");
        }
        let elsewhere = changed(|one| one.session = SessionId::new(begin(), 9));
        assert_eq!(repeated("openid", None, &elsewhere, begin()), Err(Needs::Choice));
        assert_eq!(repeated("openid", Some(&id), &elsewhere, begin()), Err(Needs::SignIn));
    }

    #[test]
    fn two_choices_are_told_apart_by_a_hint_alone() {
        let ana = Who::ana();
        let (first, again) = (choice(&ana), Grant { flow: FlowId::new(begin(), 2), ..choice(&ana) });
        let same = [first.clone(), again];
        assert_eq!(repeated("openid", None, &same, begin()), Ok(FlowId::new(begin(), 1)), "the same choice twice");
        for other in [
            Grant { flow: FlowId::new(begin(), 2), procedure: Procedure::Justice, ..choice(&ana) },
            Grant { flow: FlowId::new(begin(), 2), mandate: MandateId::new(begin(), 2), ..choice(&ana) },
        ] {
            let two = [first.clone(), other];
            assert_eq!(repeated("openid", None, &two, begin()), Err(Needs::Choice));
            let second = FlowId::new(begin(), 2);
            assert_eq!(repeated("openid", Some(&second), &two, begin()), Ok(second));
        }
    }

    #[test]
    fn nothing_more_is_given_than_then() {
        let given = |scope: &str| [Grant { scope: scope.to_owned(), ..choice(&Who::ana()) }];
        assert_eq!(repeated("openid email", None, &given("openid email"), begin()), Ok(FlowId::new(begin(), 1)));
        assert_eq!(repeated("openid", None, &given("openid email"), begin()), Ok(FlowId::new(begin(), 1)));
        assert_eq!(repeated("openid email", None, &given("openid"), begin()), Err(Needs::Agreement));
    }

    #[test]
    fn another_procedure_needs_a_choice_and_an_ended_mandate_an_agreement() {
        assert_eq!(Needs::from_refusal(Refusal::ProcedureNotAsked), Needs::Choice);
        for refusal in [Refusal::MandateExpired, Refusal::AuthorisationEnded, Refusal::PresenceEnded] {
            assert_eq!(Needs::from_refusal(refusal), Needs::Agreement);
        }
    }
}
