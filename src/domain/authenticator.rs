//! The second factor: a time-based one-time code. A step is accepted once, one step of drift is forgiven, ten failures lock.

use super::Instant;
use super::event::{Event, Journalled, Kind};
use super::id::{AccountId, AuthenticatorId};
use super::refusal::Refusal;

/// Failures in a row after which the device is locked until the manager releases it.
pub const FAILURES_BEFORE_LOCK: u32 = 10;

/// An authenticator application bound to one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticator {
    /// Its identifier.
    pub id: AuthenticatorId,
    /// Whose it is.
    pub account: AccountId,
    /// The last time step accepted: no code of it or of an earlier one is accepted again.
    pub last_step: i64,
    /// Failures since the last success.
    pub failures: u32,
    /// Since when it is locked.
    pub locked_at: Option<Instant>,
    /// Since when it counts; none while it is being enrolled.
    pub confirmed_at: Option<Instant>,
}

/// Proof that a fresh code was accepted at an instant: made by an accepted code, or remembered from one by the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreshCode {
    at: Instant,
}

impl FreshCode {
    /// The proof a session remembers.
    #[must_use]
    pub const fn remembered(at: Instant) -> Self {
        Self { at }
    }

    /// When the code was accepted.
    #[must_use]
    pub const fn at(&self) -> Instant {
        self.at
    }
}

/// What came of presenting a code. Both change the authenticator: a failure is counted in the same transaction.
pub struct Presented {
    /// The authenticator afterwards, with the facts.
    pub authenticator: Journalled<Authenticator>,
    /// The proof, or why not.
    pub outcome: Result<FreshCode, Refusal>,
}

impl Authenticator {
    /// Presents a code. `step` is the time step the code matched within ±1 step, if it matched any; `accepted` and `refused`
    /// say which facts to write.
    #[must_use]
    pub fn present(mut self, step: Option<i64>, now: Instant, accepted: Kind, refused: Kind) -> Presented {
        let event = |kind| Event::new(kind, now).by(&self.account).fact("factor", self.id.as_str());
        if self.locked_at.is_some() {
            let events = vec![event(refused).fact("reason", Refusal::FactorLocked.code())];
            return Presented { authenticator: Journalled::new(self, events), outcome: Err(Refusal::FactorLocked) };
        }
        // A step at or before the last one accepted is a replay, however right the code is (RFC 6238 5.2).
        if let Some(step) = step.filter(|step| *step > self.last_step) {
            let events = vec![event(accepted)];
            self.last_step = step;
            self.failures = 0;
            return Presented { authenticator: Journalled::new(self, events), outcome: Ok(FreshCode { at: now }) };
        }
        let mut events = vec![event(refused).fact("reason", Refusal::CodeRefused.code())];
        // The code that was just accepted, sent again because its answer was lost, is no guess: ten of those must lock nobody out.
        if step == Some(self.last_step) {
            return Presented { authenticator: Journalled::new(self, events), outcome: Err(Refusal::CodeRefused) };
        }
        self.failures += 1;
        if self.failures >= FAILURES_BEFORE_LOCK {
            events.push(event(Kind::FactorLocked));
            self.locked_at = Some(now);
        }
        Presented { authenticator: Journalled::new(self, events), outcome: Err(Refusal::CodeRefused) }
    }

    /// Confirms the enrolment with a first code.
    ///
    /// # Errors
    /// The code matched no step.
    pub fn confirm(mut self, step: Option<i64>, now: Instant) -> Result<(Journalled<Self>, FreshCode), Refusal> {
        self.last_step = step.ok_or(Refusal::CodeRefused)?;
        self.confirmed_at = Some(now);
        let event = Event::new(Kind::FactorEnrolled, now).by(&self.account).fact("factor", self.id.as_str());
        Ok((Journalled::new(self, vec![event]), FreshCode { at: now }))
    }

    /// Withdraws a lost device: it counts no longer, and the next sign-in enrols another.
    pub fn withdraw(self, now: Instant) -> Journalled<Self> {
        let event = Event::new(Kind::FactorWithdrawn, now).on(&self.account).fact("factor", self.id.as_str());
        Journalled::new(self, vec![event])
    }

    /// Releases a locked device.
    pub fn release(mut self, now: Instant) -> Journalled<Self> {
        self.locked_at = None;
        self.failures = 0;
        let event = Event::new(Kind::FactorReleased, now).on(&self.account).fact("factor", self.id.as_str());
        Journalled::new(self, vec![event])
    }
}

/// The sign-in itself, once link and code were accepted: what the journal says of it.
#[must_use]
pub fn recovery_code_accepted(account: &AccountId, now: Instant) -> (Event, FreshCode) {
    (Event::new(Kind::RecoveryCodeUsed, now).by(account), FreshCode { at: now })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authenticator() -> Authenticator {
        let at = Instant::UNIX_EPOCH;
        Authenticator {
            id: AuthenticatorId::new(at, 1),
            account: AccountId::new(at, 1),
            last_step: 100,
            failures: 0,
            locked_at: None,
            confirmed_at: Some(at),
        }
    }

    fn present(authenticator: Authenticator, step: Option<i64>) -> (Authenticator, Result<FreshCode, Refusal>) {
        let presented = authenticator.present(step, Instant::UNIX_EPOCH, Kind::CodeAccepted, Kind::CodeRefused);
        (presented.authenticator.into_parts().0, presented.outcome)
    }

    #[test]
    fn a_step_is_accepted_once_and_never_an_older_one_after_it() {
        let (after, outcome) = present(authenticator(), Some(101));
        assert!(outcome.is_ok());
        let (after, outcome) = present(after, Some(101));
        assert_eq!(outcome, Err(Refusal::CodeRefused));
        let (after, outcome) = present(after, Some(100));
        assert_eq!(outcome, Err(Refusal::CodeRefused));
        assert!(present(after, Some(102)).1.is_ok());
    }

    #[test]
    fn ten_failures_in_a_row_lock_and_even_the_right_code_no_longer_opens() {
        let mut device = authenticator();
        for _ in 0..FAILURES_BEFORE_LOCK {
            device = present(device, None).0;
        }
        let (device, outcome) = present(device, Some(200));
        assert_eq!(outcome, Err(Refusal::FactorLocked));
        let released = device.release(Instant::UNIX_EPOCH).into_parts().0;
        assert!(present(released, Some(201)).1.is_ok());
    }

    #[test]
    fn the_accepted_code_sent_again_is_refused_and_counts_as_no_guess() {
        let mut device = present(Authenticator { failures: 3, ..authenticator() }, Some(101)).0;
        for _ in 0..2 * FAILURES_BEFORE_LOCK {
            let (after, outcome) = present(device.clone(), Some(101));
            assert_eq!((&after, outcome), (&device, Err(Refusal::CodeRefused)));
            device = after;
        }
        assert_eq!((device.failures, device.locked_at), (0, None));
        let older = present(device, Some(100)).0;
        assert_eq!(older.failures, 1, "an older one may be overheard");
    }

    #[test]
    fn a_success_forgets_earlier_failures() {
        let mut device = authenticator();
        for _ in 0..FAILURES_BEFORE_LOCK - 1 {
            device = present(device, None).0;
        }
        let (device, outcome) = present(device, Some(101));
        assert!(outcome.is_ok());
        assert_eq!(device.failures, 0);
    }

    fn fact(kind: Kind) -> Event {
        let device = authenticator();
        Event::new(kind, Instant::UNIX_EPOCH).by(&device.account).fact("factor", device.id.as_str())
    }

    #[test]
    fn each_code_is_one_fact_and_the_lock_another() {
        let events = |device: Authenticator, step| {
            let shown = device.present(step, Instant::UNIX_EPOCH, Kind::CodeAccepted, Kind::CodeRefused);
            shown.authenticator.into_parts().1
        };
        let refused = || fact(Kind::CodeRefused).fact("reason", "code_refused");
        assert_eq!(events(authenticator(), Some(101)), [fact(Kind::CodeAccepted)]);
        assert_eq!(events(authenticator(), None), [refused()]);
        let nearly = |failures| Authenticator { failures, ..authenticator() };
        assert_eq!(events(nearly(8), None), [refused()], "the ninth does not lock");
        assert_eq!(events(nearly(9), None), [refused(), fact(Kind::FactorLocked)], "the tenth does");
        let locked = Authenticator { locked_at: Some(Instant::UNIX_EPOCH), ..authenticator() };
        assert_eq!(events(locked, Some(101)), [fact(Kind::CodeRefused).fact("reason", "factor_locked")]);
    }

    #[test]
    fn what_a_locked_device_is_shown_changes_nothing_of_it() {
        let locked = Authenticator { locked_at: Some(Instant::UNIX_EPOCH), failures: 10, ..authenticator() };
        for step in [None, Some(101)] {
            assert_eq!(present(locked.clone(), step), (locked.clone(), Err(Refusal::FactorLocked)));
        }
    }

    #[test]
    fn an_enrolment_is_confirmed_by_a_right_code_which_is_spent_by_it() {
        let pending = Authenticator { last_step: 0, confirmed_at: None, ..authenticator() };
        assert_eq!(pending.clone().confirm(None, Instant::UNIX_EPOCH).map(drop), Err(Refusal::CodeRefused));
        let (confirmed, code) = pending.confirm(Some(100), Instant::UNIX_EPOCH).unwrap();
        let (device, events) = confirmed.into_parts();
        assert_eq!((code.at(), device.confirmed_at), (Instant::UNIX_EPOCH, Some(Instant::UNIX_EPOCH)));
        assert_eq!(events, [fact(Kind::FactorEnrolled)]);
        assert_eq!(present(device, Some(100)).1, Err(Refusal::CodeRefused));
    }

    #[test]
    fn releasing_and_withdrawing_are_done_to_somebody() {
        let done_to = |kind| {
            let device = authenticator();
            Event::new(kind, Instant::UNIX_EPOCH).on(&device.account).fact("factor", device.id.as_str())
        };
        let locked = Authenticator { locked_at: Some(Instant::UNIX_EPOCH), failures: 10, ..authenticator() };
        let (released, events) = locked.clone().release(Instant::UNIX_EPOCH).into_parts();
        assert_eq!((released, events), (authenticator(), vec![done_to(Kind::FactorReleased)]));
        let (_, events) = locked.withdraw(Instant::UNIX_EPOCH).into_parts();
        assert_eq!(events, [done_to(Kind::FactorWithdrawn)]);
    }

    #[test]
    fn a_recovery_code_is_a_fresh_code_and_a_fact() {
        let account = authenticator().account;
        let (event, code) = recovery_code_accepted(&account, Instant::UNIX_EPOCH);
        assert_eq!(event, Event::new(Kind::RecoveryCodeUsed, Instant::UNIX_EPOCH).by(&account));
        assert_eq!(code, FreshCode::remembered(Instant::UNIX_EPOCH));
    }
}
