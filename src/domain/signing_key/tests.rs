use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn at(seconds: i64) -> Instant {
    Instant::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

/// What the store does with what the rules answer.
fn kept(keys: &mut Vec<Key>, changes: Vec<Journalled<Key>>) -> Vec<Event> {
    let mut told = Vec::new();
    for change in changes {
        let (key, events) = change.into_parts();
        keys.retain(|known| known.kid != key.kid);
        if key.state != State::Gone {
            keys.push(key);
        }
        told.extend(events);
    }
    told
}

fn wished(keys: &mut Vec<Key>, wish: Wish, kid: &str, ages: &Ages, now: Instant) -> usize {
    let granted = grant(keys, wish, kid, SigningAlgorithm::Es256, ages, now);
    kept(keys, granted).len()
}

fn ticks(keys: &mut Vec<Key>, ages: &Ages, now: Instant) -> usize {
    let moves = due(keys, ages, now);
    kept(keys, moves).len()
}

fn states(keys: &[Key]) -> Vec<(&str, State)> {
    let mut states: Vec<_> = keys.iter().map(|key| (key.kid.as_str(), key.state)).collect();
    states.sort_unstable();
    states
}

const DAY: i64 = 86_400;
const LAG: i64 = 120;

#[test]
fn the_first_key_signs_at_once_and_the_next_a_day_after_it_is_published() {
    let (ages, mut keys) = (Ages::usual(90), Vec::new());
    assert_eq!(wished(&mut keys, Wish::Age, "x", &ages, at(0)), 0, "there is nothing to replace");
    assert_eq!(wished(&mut keys, Wish::First, "a", &ages, at(0)), 1);
    assert_eq!(wished(&mut keys, Wish::First, "x", &ages, at(0)), 0);
    assert_eq!(wished(&mut keys, Wish::Asked, "b", &ages, at(10)), 1);
    assert_eq!(wished(&mut keys, Wish::Asked, "x", &ages, at(20)), 0, "one is prepared already");
    assert_eq!(ticks(&mut keys, &ages, at(10 + DAY + LAG - 1)), 0);
    assert_eq!(states(&keys), [("a", State::Active), ("b", State::Prepared)]);
    let active = at(10 + DAY + LAG);
    assert_eq!(ticks(&mut keys, &ages, active), 2);
    assert_eq!(states(&keys), [("a", State::Retiring), ("b", State::Active)]);
    assert_eq!(ticks(&mut keys, &ages, active + ages.lag - TimeDelta::microseconds(1)), 0);
    assert_eq!(ticks(&mut keys, &ages, active + ages.lag), 1);
    assert_eq!(states(&keys), [("a", State::VerifyOnly), ("b", State::Active)]);
    assert_eq!(ticks(&mut keys, &ages, active + ages.kept - TimeDelta::microseconds(1)), 0);
    assert_eq!(ticks(&mut keys, &ages, active + ages.kept), 1);
    assert_eq!(states(&keys), [("b", State::Active)]);
}

#[test]
fn a_key_is_replaced_at_its_age_and_not_before() {
    let (ages, mut keys) = (Ages::usual(90), Vec::new());
    wished(&mut keys, Wish::First, "a", &ages, at(0));
    let prepared = 90 * DAY - DAY - LAG;
    assert_eq!(wished(&mut keys, Wish::Age, "x", &ages, at(prepared - 1)), 0);
    assert_eq!(wished(&mut keys, Wish::Age, "b", &ages, at(prepared)), 1);
    assert_eq!(wished(&mut keys, Wish::Age, "x", &ages, at(prepared + 30)), 0);
    ticks(&mut keys, &ages, at(90 * DAY));
    assert_eq!(states(&keys), [("a", State::Retiring), ("b", State::Active)]);
}

#[test]
fn an_urgent_key_waits_for_the_nodes_alone_and_drives_the_others_out() {
    let (ages, mut keys) = (Ages::usual(90), Vec::new());
    wished(&mut keys, Wish::First, "a", &ages, at(0));
    wished(&mut keys, Wish::Asked, "b", &ages, at(0));
    ticks(&mut keys, &ages, at(DAY + LAG));
    ticks(&mut keys, &ages, at(2 * DAY));
    wished(&mut keys, Wish::Asked, "c", &ages, at(3 * DAY));
    assert_eq!(wished(&mut keys, Wish::Urgent, "d", &ages, at(3 * DAY)), 2, "the one that was prepared goes");
    assert_eq!(wished(&mut keys, Wish::Urgent, "x", &ages, at(3 * DAY)), 0, "once is enough");
    assert_eq!(states(&keys), [("a", State::VerifyOnly), ("b", State::Active), ("d", State::Prepared)]);
    let all = keys.clone();
    let leaves: Vec<_> = all.iter().map(|key| (key.kid.as_str(), key.leaves_at(&all, &ages))).collect();
    let end = Some(at(3 * DAY + 2 * LAG));
    assert!(leaves.contains(&("a", end)) && leaves.contains(&("b", end)) && leaves.contains(&("d", None)));
    for _ in 0..3 {
        ticks(&mut keys, &ages, at(3 * DAY + LAG));
    }
    assert_eq!(states(&keys), [("a", State::VerifyOnly), ("b", State::Retiring), ("d", State::Active)]);
    for _ in 0..3 {
        ticks(&mut keys, &ages, at(3 * DAY + 2 * LAG));
    }
    assert_eq!(states(&keys), [("d", State::Active)]);
}

#[test]
fn every_step_is_told_once() {
    let (ages, mut keys) = (Ages::usual(7), Vec::new());
    let first = grant(&keys, Wish::First, "a", SigningAlgorithm::Rs256, &ages, at(0));
    let mut told: Vec<_> = kept(&mut keys, first);
    let second = grant(&keys, Wish::Asked, "b", SigningAlgorithm::Rs256, &ages, at(0));
    told.extend(kept(&mut keys, second));
    for second in (0..40 * DAY).step_by(3_600) {
        let moves = due(&keys, &ages, at(second));
        told.extend(kept(&mut keys, moves));
    }
    let told = told.iter().map(|event| {
        let fact = |name| event.facts.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value.as_str());
        (event.kind, fact("kid").to_owned(), fact("state").to_owned())
    });
    let expected = [
        (Kind::KeyCreated, "a", "active"),
        (Kind::KeyCreated, "b", "prepared"),
        (Kind::KeyActivated, "b", "active"),
        (Kind::KeyRetired, "a", "retiring"),
        (Kind::KeyRetired, "a", "verify_only"),
        (Kind::KeyRetired, "a", "gone"),
    ];
    let expected = expected.map(|(kind, kid, state)| (kind, kid.to_owned(), state.to_owned()));
    assert_eq!(told.collect::<BTreeSet<_>>(), BTreeSet::from(expected));
}

#[test]
fn a_state_is_stored_by_its_code() {
    for state in State::ALL {
        assert_eq!(state.to_string().parse(), Ok(state));
    }
    assert_eq!("retired".parse::<State>(), Err(Unknown));
}

/// The database, three nodes that read it when they can, and services that keep what a node answered.
struct Fleet {
    ages: Ages,
    keys: Vec<Key>,
    nodes: [(Instant, Vec<Key>); 3],
    services: [(Instant, BTreeSet<String>); 3],
    made: usize,
}

fn set(keys: &[Key]) -> BTreeSet<String> {
    keys.iter().map(|key| key.kid.clone()).collect()
}

impl Fleet {
    fn new(ages: Ages) -> Self {
        let mut keys = Vec::new();
        wished(&mut keys, Wish::First, "0", &ages, at(0));
        let nodes = [(); 3].map(|()| (at(0), keys.clone()));
        let services = [(); 3].map(|()| (at(0), set(&keys)));
        Self { ages, keys, nodes, services, made: 0 }
    }

    fn does(&mut self, what: u8, who: usize, now: Instant) {
        match what {
            // A service reads the key set from any node when it likes, at the latest when it must.
            0 => self.services[who] = (now, set(&self.nodes[usize::from(what) + who].1)),
            1 => self.nodes[who] = (now, self.keys.clone()),
            2 | 3 => {
                self.made += 1;
                let wish = if what == 2 { Wish::Asked } else { Wish::Age };
                wished(&mut self.keys, wish, &self.made.to_string(), &self.ages, now);
            }
            _ => drop(ticks(&mut self.keys, &self.ages, now)),
        }
    }

    /// What must happen by now happens.
    fn keeps_up(&mut self, now: Instant) {
        for node in &mut self.nodes {
            if now - node.0 >= self.ages.lag {
                *node = (now, self.keys.clone());
            }
        }
        for (at, service) in self.services.iter_mut().enumerate() {
            if now - service.0 >= self.ages.cached {
                *service = (now, set(&self.nodes[(at + 1) % 3].1));
            }
        }
    }

    fn agrees(&self) -> Result<(), TestCaseError> {
        for (_, node) in &self.nodes {
            let signing: Vec<_> = node.iter().filter(|key| key.state == State::Active).collect();
            prop_assert_eq!(signing.len(), 1, "one key signs");
            for (_, other) in &self.nodes {
                prop_assert!(other.iter().any(|key| key.kid == signing[0].kid), "another node publishes it");
            }
            for (_, service) in &self.services {
                prop_assert!(service.contains(&signing[0].kid), "a service has it: {} {:?}", signing[0].kid, service);
            }
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn whatever_a_node_signs_with_every_node_publishes_and_every_service_has(
        steps in proptest::collection::vec((1_i64..30, 0_u8..5, 0_usize..3), 1..400)
    ) {
        let seconds = TimeDelta::seconds;
        let ages = Ages { cached: seconds(240), lag: seconds(60), kept: seconds(600), replaced: seconds(900) };
        let (mut fleet, mut now) = (Fleet::new(ages), at(0));
        for (pause, what, who) in steps {
            // Second by second, so that nobody is later than they may be.
            for _ in 0..pause {
                now += seconds(1);
                fleet.keeps_up(now);
                fleet.agrees()?;
            }
            fleet.does(what, who, now);
            fleet.agrees()?;
        }
    }
}
