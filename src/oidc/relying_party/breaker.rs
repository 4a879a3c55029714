//! A provider that is down is left alone for a while: people are told at once instead of after a time limit, and their requests do not
//! pile up here.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;

use super::{Fault, Outage};
use crate::domain::Instant;

/// When a provider is left alone, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Outages in a row after which it is. Refusals are answers, and no outages.
    pub outages: u32,
    /// For how long. Then one request tries, and the others go on waiting for what comes of it.
    pub pause: TimeDelta,
}

impl Default for Patience {
    fn default() -> Self {
        Self { outages: 3, pause: TimeDelta::seconds(30) }
    }
}

/// What is known of the last requests.
pub(super) struct Breaker {
    provider: String,
    patience: Patience,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    outages: u32,
    paused_at: Option<Instant>,
    trying: bool,
}

/// Whether a request may be made now.
pub(super) enum Entry<'b> {
    /// As usual.
    Free,
    /// It is the one that tries after a pause.
    Trial(Trial<'b>),
    /// Not now.
    Paused,
}

/// The one request after a pause. If it is given up without an outcome, the next one tries.
pub(super) struct Trial<'b>(&'b Breaker);

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        self.0.state().trying = false;
    }
}

impl Breaker {
    pub(super) fn new(provider: String, patience: Patience) -> Self {
        Self { provider, patience, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for a request.
    pub(super) fn entry(&self, now: Instant) -> Entry<'_> {
        let mut state = self.state();
        match state.paused_at {
            None => Entry::Free,
            Some(at) if state.trying || self.lasts(at, now) => Entry::Paused,
            Some(_) => {
                state.trying = true;
                Entry::Trial(Trial(self))
            }
        }
    }

    /// Whether the provider is being left alone.
    pub(super) fn is_paused(&self, now: Instant) -> bool {
        let state = self.state();
        state.paused_at.is_some_and(|at| state.trying || self.lasts(at, now))
    }

    /// In either direction: a clock set back must not freeze anything.
    fn lasts(&self, at: Instant, now: Instant) -> bool {
        (now - at).abs() < self.patience.pause
    }

    /// Counts what came of a request. An answer, even a refusal, ends a row of outages.
    pub(super) fn note(&self, fault: Option<&Fault>, now: Instant) {
        match fault {
            Some(Fault::Unavailable { cause: Outage::JustFailed | Outage::Paused, .. }) => {}
            Some(fault @ Fault::Unavailable { .. }) => self.failed(fault.code(), now),
            _ => self.answered(0),
        }
    }

    /// The provider answered the one request after a pause: it is asked again, and the next outage is one too many.
    pub(super) fn recovered(&self, _: &Trial<'_>) {
        self.answered(self.patience.outages.saturating_sub(1));
    }

    fn answered(&self, outages: u32) {
        let mut state = self.state();
        state.outages = outages;
        if state.paused_at.take().is_some() {
            metrics::gauge!("provider_paused", "provider" => self.provider.clone()).set(0);
            tracing::info!(provider = self.provider, "the provider answers again");
        }
    }

    fn failed(&self, fault: &'static str, now: Instant) {
        metrics::counter!("provider_outages_total", "provider" => self.provider.clone(), "fault" => fault).increment(1);
        let mut state = self.state();
        state.outages = state.outages.saturating_add(1);
        if state.outages >= self.patience.outages {
            state.paused_at = Some(now);
            metrics::gauge!("provider_paused", "provider" => self.provider.clone()).set(1);
            tracing::warn!(
                provider = self.provider,
                fault,
                seconds = self.patience.pause.num_seconds(),
                "the provider does not answer: it is left alone for a while"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oidc::relying_party::{Refused, Step};

    const PAUSE: TimeDelta = TimeDelta::seconds(30);

    fn outage(breaker: &Breaker, now: Instant) {
        breaker.note(Some(&Fault::unavailable(Step::Token, Outage::Status(503))), now);
    }

    fn breaker() -> (Breaker, Instant) {
        let breaker = Breaker::new("fc".to_owned(), Patience::default());
        (breaker, "2026-11-22T09:00:00Z".parse().unwrap())
    }

    #[test]
    fn three_outages_in_a_row_and_no_fewer_lead_to_a_pause() {
        let (breaker, now) = breaker();
        for answer in [None, Some(Fault::from(Refused::Code))] {
            outage(&breaker, now);
            outage(&breaker, now);
            assert!(!breaker.is_paused(now));
            breaker.note(answer.as_ref(), now);
        }
        let secondary = Fault::unavailable(Step::Discovery, Outage::JustFailed);
        for _ in 0..3 {
            breaker.note(Some(&secondary), now);
        }
        assert!(matches!(breaker.entry(now), Entry::Free), "another one's outage is not counted twice");
        for _ in 0..3 {
            outage(&breaker, now);
        }
        assert!(matches!(breaker.entry(now), Entry::Paused));
        assert!(breaker.is_paused(now + PAUSE - TimeDelta::microseconds(1)));
        assert!(!breaker.is_paused(now + PAUSE));
    }

    #[test]
    fn one_request_tries_after_the_pause_and_decides_for_all() {
        let (breaker, now) = breaker();
        for _ in 0..3 {
            outage(&breaker, now);
        }
        let later = now + PAUSE;
        let Entry::Trial(trial) = breaker.entry(later) else { panic!("nobody tries") };
        assert!(matches!(breaker.entry(later), Entry::Paused) && breaker.is_paused(later));
        drop(trial); // given up: somebody else tries
        let Entry::Trial(trial) = breaker.entry(later) else { panic!("nobody tries") };
        outage(&breaker, later);
        drop(trial);
        assert!(matches!(breaker.entry(later), Entry::Paused), "another pause");
        let Entry::Trial(trial) = breaker.entry(later + PAUSE) else { panic!("nobody tries") };
        breaker.recovered(&trial);
        drop(trial);
        assert!(matches!(breaker.entry(later + PAUSE), Entry::Free));
        outage(&breaker, later + PAUSE);
        assert!(breaker.is_paused(later + PAUSE), "on trial, one outage is enough");
        breaker.recovered(&Trial(&breaker));
        breaker.note(None, later + PAUSE);
        outage(&breaker, later + PAUSE);
        assert!(!breaker.is_paused(later + PAUSE), "it had proved itself");
    }

    #[test]
    fn a_clock_set_back_freezes_nothing() {
        let (breaker, now) = breaker();
        for _ in 0..3 {
            outage(&breaker, now);
        }
        assert!(!breaker.is_paused(now - TimeDelta::hours(1)));
    }
}
