use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::domain::samples::{MICROSECOND, begin, fact};

const THREE_AND_THREE: Keeping = Keeping { in_use: Months::new(36), archive: Months::new(36) };

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn citizen() -> Subject {
    Subject::Person(Owner::Citizen(CitizenId::new(begin(), 1)))
}

fn kept(stage: Stage, last: Instant) -> Kept {
    Kept { subject: citizen(), stage, last, held: false, busy: false }
}

#[test]
fn three_years_in_use_then_three_in_the_archive_to_the_microsecond() {
    let last = at("2026-11-22T09:00:00Z");
    let (archived, destroyed) = (at("2029-11-22T09:00:00Z"), at("2032-11-22T09:00:00Z"));
    for (now, stage) in [
        (last, Stage::InUse),
        (archived - MICROSECOND, Stage::InUse),
        (archived, Stage::Archived),
        (destroyed - MICROSECOND, Stage::Archived),
        (destroyed, Stage::Destroyed),
    ] {
        assert_eq!(THREE_AND_THREE.stage(last, now), stage, "{now}");
    }
}

#[test]
fn the_twenty_ninth_of_february_ends_on_the_twenty_eighth() {
    let last = at("2028-02-29T12:00:00Z");
    assert_eq!(THREE_AND_THREE.stage(last, at("2031-02-28T11:59:59Z")), Stage::InUse);
    assert_eq!(THREE_AND_THREE.stage(last, at("2031-02-28T12:00:00Z")), Stage::Archived);
}

#[test]
fn an_end_that_no_calendar_has_never_comes() {
    assert_eq!(THREE_AND_THREE.stage(Instant::MAX_UTC, Instant::MAX_UTC), Stage::InUse);
}

#[test]
fn a_step_is_a_fact_with_its_ground_and_the_day_it_counts_from() {
    let (last, now) = (at("2020-01-31T00:00:00Z"), at("2024-01-01T00:00:00Z"));
    let Verdict::Goes(change) = kept(Stage::InUse, last).verdict(THREE_AND_THREE, now) else { panic!("it goes") };
    let (passage, events) = change.into_parts();
    assert_eq!(passage, Passage { subject: citizen(), to: Stage::Archived });
    assert_eq!((events[0].kind, events.len()), (Kind::PersonArchived, 1));
    assert_eq!(fact(&events[0], "ground"), Some("retention"));
    assert_eq!(fact(&events[0], "since"), Some("2020-01-31T00:00:00.000000Z"));
    assert!(events[0].private.is_none(), "what destroys a key is not sealed under it");
}

#[test]
fn whoever_is_destroyed_again_after_a_restore_is_said_to_be() {
    let owner = Owner::Citizen(CitizenId::new(begin(), 1));
    let (passage, events) = destroyed_before(owner, begin(), begin() + TimeDelta::days(1)).into_parts();
    assert_eq!((passage.to, events[0].kind), (Stage::Destroyed, Kind::PersonDestroyed));
    assert_eq!(fact(&events[0], "ground"), Some("restored"));
}

const STAGES: [Stage; 3] = [Stage::InUse, Stage::Archived, Stage::Destroyed];

proptest! {
    /// As time passes data go forward and never back, and no stage is reached before its period is over.
    #[test]
    fn time_only_leads_on(
        last in 0_i64..4_000_000_000, early in 0_i64..8_000_000_000, later in 0_i64..1_000_000_000,
        in_use in 0_u32..240, archive in 0_u32..240,
    ) {
        let keeping = Keeping { in_use: Months::new(in_use), archive: Months::new(archive) };
        let instant = |seconds| Instant::from_timestamp(seconds, 0).unwrap();
        let (last, now) = (instant(last), instant(early));
        let stage = keeping.stage(last, now);
        prop_assert!(keeping.stage(last, now + TimeDelta::seconds(later)) >= stage);
        // A later end never brings a later stage, and a longer period neither.
        prop_assert!(keeping.stage(last + TimeDelta::seconds(later), now) <= stage);
        let longer = Keeping { in_use: Months::new(in_use + 1), ..keeping };
        prop_assert!(longer.stage(last, now) <= stage);
        // No month has fewer than 28 days.
        if stage != Stage::InUse {
            prop_assert!(now - last >= TimeDelta::days(28 * i64::from(in_use)));
        }
        if stage == Stage::Destroyed {
            prop_assert!(now - last >= TimeDelta::days(28 * i64::from(in_use + archive)));
        }
    }

    /// A hold, or something under way, stops every step; and whatever the facts are, a step leads where the periods say.
    #[test]
    fn nothing_goes_on_that_is_held_or_busy(
        last in 0_i64..4_000_000_000, now in 0_i64..8_000_000_000, stage in 0_usize..3, held: bool, busy: bool,
    ) {
        let instant = |seconds| Instant::from_timestamp(seconds, 0).unwrap();
        let (last, now, stage) = (instant(last), instant(now), STAGES[stage]);
        let due = THREE_AND_THREE.stage(last, now);
        match (Kept { held, busy, ..kept(stage, last) }).verdict(THREE_AND_THREE, now) {
            Verdict::Stays => prop_assert!(due <= stage),
            Verdict::Held => prop_assert!(held && due > stage),
            Verdict::Busy => prop_assert!(busy && !held && due > stage),
            Verdict::Goes(change) => {
                prop_assert!(!held && !busy && change.value().to == due && due > stage);
            }
        }
    }
}
