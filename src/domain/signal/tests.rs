use super::*;
use crate::domain::event::Kind;
use crate::domain::id::{AccountId, MandateId, SignalId};
use crate::domain::refusal::Refusal;
use crate::domain::samples::{Who, begin, one_event};

const ZONE: Tz = Tz::Europe__Paris;

/// Monday 23 November 2026, at a time in Paris.
fn at(time: &str) -> Instant {
    format!("2026-11-23T{time}+01:00").parse::<chrono::DateTime<chrono::FixedOffset>>().unwrap().to_utc()
}

fn fact(kind: Kind, actor: u128, mandate: u128, time: &str) -> Fact {
    Fact {
        kind,
        at: at(time),
        actor: Some(AccountId::new(begin(), actor)),
        mandate: Some(MandateId::new(begin(), mandate)),
        used: Some(format!("use_{actor}_{time}")),
        phone: None,
        citizen: None,
    }
}

fn day(begins: Instant) -> Day {
    Day { begins, zone: ZONE, said: BTreeMap::new() }
}

fn rules(facts: &[Fact]) -> Vec<(Rule, u32)> {
    let long_ago = day(begin() - TimeDelta::days(99));
    of_a_day(facts, &long_ago, &Thresholds::default()).into_iter().map(|found| (found.rule, found.times)).collect()
}

/// What is found on the day that begins at `at("12:00:00")`, and said again on no other.
fn on_two_days(facts: &[Fact]) -> [Vec<(Rule, u32)>; 2] {
    let (noon, limits) = (at("12:00:00"), Thresholds::default());
    let until = |end: Instant| facts.iter().filter(|fact| fact.at < end).cloned().collect::<Vec<_>>();
    let first = of_a_day(&until(noon), &day(at("00:00:00")), &limits);
    let said = first.iter().map(|one| ((one.rule, one.subject.clone()), (one.first, one.last))).collect();
    let lead: Vec<_> = facts.iter().filter(|fact| fact.at >= noon - limits.lead()).cloned().collect();
    let second = of_a_day(&lead, &Day { said, ..day(noon) }, &limits);
    [first, second].map(|found| found.into_iter().map(|one| (one.rule, one.times)).collect())
}

#[test]
fn what_happens_over_midnight_belongs_to_the_day_on_which_it_ends() {
    let opened = |time: &str, count: u32| -> Vec<Fact> {
        (0..count).map(|number| fact(Kind::MandateOpened, 1, number.into(), &format!("{time}:{number:02}"))).collect()
    };
    let burst = |times| vec![(Rule::ManyOpenings, times)];
    for (before, after, expected) in [
        (9, 0, [vec![], vec![]]),
        (9, 1, [vec![], burst(10)]),
        (12, 3, [burst(12), vec![]]),
        (12, 12, [burst(12), burst(12)]),
        (0, 12, [vec![], burst(12)]),
    ] {
        let facts = [opened("11:30", before), opened("12:20", after)].concat();
        assert_eq!(on_two_days(&facts), expected, "{before} before, {after} after");
    }
    let late: Vec<_> = [opened("10:30", 9), opened("12:20", 1)].concat();
    assert_eq!(on_two_days(&late), [vec![], vec![]], "more than an hour apart");
    let soon = vec![(Rule::SoonAfterOpening, 1)];
    let opening = fact(Kind::MandateOpened, 1, 7, "11:58:00");
    let [before, after] = ["11:59:00", "12:01:00"].map(|time| fact(Kind::Use, 2, 7, time));
    assert_eq!(on_two_days(&[opening.clone(), after.clone()]), [vec![], soon.clone()]);
    assert_eq!(on_two_days(&[opening.clone(), before.clone()]), [soon.clone(), vec![]]);
    assert_eq!(on_two_days(&[opening, before, after]), [soon, vec![]], "said once");
}

#[test]
fn opening_hours_end_at_their_exact_hour_and_never_hold_on_a_weekend() {
    for (time, outside) in [("06:59:59", true), ("07:00:00", false), ("20:59:59", false), ("21:00:00", true)] {
        let expected: &[_] = if outside { &[(Rule::OutsideHours, 1)] } else { &[] };
        assert_eq!(rules(&[fact(Kind::Use, 1, 1, time)]), expected, "{time}");
    }
    let sunday = Fact { at: at("10:00:00") - TimeDelta::days(1), ..fact(Kind::Use, 1, 1, "10:00:00") };
    assert_eq!(rules(&[sunday]), [(Rule::OutsideHours, 1)]);
    let nobody_acted = Fact { actor: None, ..fact(Kind::Use, 1, 1, "03:00:00") };
    assert_eq!(rules(&[nobody_acted, fact(Kind::MandateOpened, 1, 1, "03:00:00")]), []);
}

#[test]
fn a_burst_is_counted_within_its_minutes_and_for_one_mediator() {
    let opened = |actor, count: u32, from: u32| -> Vec<Fact> {
        (0..count)
            .map(|number| fact(Kind::MandateOpened, actor, number.into(), &format!("10:{:02}:00", from + number * 5)))
            .collect()
    };
    assert_eq!(rules(&opened(1, 9, 0)), []);
    assert_eq!(rules(&opened(1, 10, 0)), [(Rule::ManyOpenings, 10)]);
    let two: Vec<_> = [opened(1, 6, 0), opened(2, 6, 1)].concat();
    assert_eq!(rules(&two), [], "two mediators are no burst");
    let spread: Vec<_> = (0..10)
        .map(|number| fact(Kind::MandateOpened, 1, number, &format!("{:02}:{:02}:00", 9 + number / 2, number % 2 * 30)))
        .collect();
    assert_eq!(rules(&spread), [], "over five hours");
    let used = |count: u32, apart: u32| -> Vec<Fact> {
        let time = |number: u32| format!("10:{:02}:{:02}", number * apart / 60, number * apart % 60);
        (0..count).map(|number| fact(Kind::Use, 1, number.into(), &time(number))).collect()
    };
    let least = Thresholds::default().uses;
    assert_eq!(rules(&used(least - 1, 60)), []);
    assert_eq!(rules(&used(least, 60)), [(Rule::ManyUses, least)]);
    let refused: Vec<_> = (0..5).map(|number| fact(Kind::UseRefused, 1, 1, &format!("10:00:0{number}"))).collect();
    assert_eq!(rules(&refused), [(Rule::RefusedAgain, 5)]);
}

#[test]
fn a_use_by_another_mediator_minutes_after_the_opening_is_said() {
    let opening = fact(Kind::MandateOpened, 1, 7, "10:00:00");
    let cases =
        [(2, 7, "10:04:59", true), (2, 7, "10:05:00", false), (1, 7, "10:01:00", false), (2, 8, "10:01:00", false)];
    for (actor, mandate, time, said) in cases {
        let facts = [opening.clone(), fact(Kind::Use, actor, mandate, time)];
        let found = of_a_day(&facts, &day(at("00:00:00")), &Thresholds::default());
        assert_eq!(found.len(), usize::from(said), "{actor} {mandate} {time}");
        if let [one] = found.as_slice() {
            assert_eq!((one.rule, one.subject.as_str()), (Rule::SoonAfterOpening, MandateId::new(begin(), 7).as_str()));
            assert_eq!((one.first, one.last), (at("10:00:00"), at(time)));
        }
    }
}

#[test]
fn a_use_without_an_outcome_is_counted_for_its_mediator() {
    let uses =
        [fact(Kind::Use, 1, 1, "10:00:00"), fact(Kind::Use, 1, 2, "11:00:00"), fact(Kind::Use, 2, 3, "12:00:00")];
    let said = [uses[2].used.clone().unwrap()].into();
    let found = without_outcome(&uses, &said);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].times, found[0].rule), (2, Rule::NoOutcome));
    assert_eq!(found[0].subject, AccountId::new(begin(), 1).as_str());
}

fn raised() -> Signal {
    let found = Found { rule: Rule::ManyUses, subject: "acc_1".to_owned(), times: 30, first: begin(), last: begin() };
    let organisation = Who::ana().organisation.id;
    let limits = Thresholds::default();
    let (signal, event) =
        one_event(Signal::raise(SignalId::new(begin(), 1), organisation, 20_000, found, &limits, begin()));
    assert_eq!(event.kind, Kind::SignalRaised);
    signal
}

#[test]
fn the_organisation_comes_first_and_answers_once() {
    let signal = raised();
    assert!(!signal.is_before_auditors(begin()));
    assert!(signal.is_before_auditors(begin() + TimeDelta::days(14)), "silence does not hide it");
    let ana = Who::ana().mediator();
    assert_eq!(signal.clone().answer(&ana, false, None, "short", begin()).unwrap_err(), Refusal::PurposeNeeded);
    let elsewhere = Who::ana().at(2).mediator();
    assert_eq!(
        signal.clone().answer(&elsewhere, false, None, "a long enough text", begin()).unwrap_err(),
        Refusal::OtherOrganisation
    );
    let change = signal.answer(&ana, false, None, "A day of enrolment at the town hall.", begin()).unwrap();
    let (answered, event) = one_event(change);
    assert!(event.facts.iter().all(|(_, value)| !value.contains("town hall")), "sealed");
    assert!(answered.is_before_auditors(begin()));
    assert_eq!(
        answered.answer(&ana, false, None, "Another text, later.", begin()).unwrap_err(),
        Refusal::SignalAnswered
    );
}

#[test]
fn a_rule_is_one_of_the_list() {
    for rule in Rule::ALL {
        assert_eq!(rule.to_string().parse(), Ok(rule));
    }
    assert_eq!("suspicion".parse::<Rule>(), Err(Unknown));
}
