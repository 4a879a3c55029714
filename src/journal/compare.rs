//! What stands in a log against what was signed, as two lists that should be one: where they part, and where they meet again.

use std::collections::{HashMap, HashSet, VecDeque};

use super::leaf::Hash;
use super::verify::{Damage, Finding};

/// How far ahead the two lists are searched for where they meet again.
const WINDOW: usize = 8192;
/// How far they are searched first.
const NEARBY: usize = 32;
/// Findings listed.
const LISTED: usize = 10_000;

/// An entry that stands somewhere.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) position: u64,
    pub(super) leaf: Hash,
    pub(super) entry: Option<String>,
}

/// The comparison so far. While the lists are one, it holds nothing.
#[derive(Default)]
pub(super) struct Comparison {
    stands: VecDeque<Found>,
    signed: VecDeque<(u64, Hash)>,
    partings: Vec<Parting>,
    listed: usize,
    more: bool,
}

/// Where the lists part: what each of them has and the other has not.
struct Parting {
    extra: Vec<Found>,
    lost: Vec<(u64, Hash)>,
}

impl Comparison {
    /// The next stretch of both lists. `found` is nothing where they are the same.
    pub(super) fn take(&mut self, start: u64, signed: &[Hash], found: Option<Vec<Found>>) {
        if found.is_none() && self.stands.is_empty() && self.signed.is_empty() {
            return;
        }
        let same = || {
            let stands = (start..).zip(signed);
            stands.map(|(position, leaf)| Found { position, leaf: *leaf, entry: None }).collect()
        };
        self.stands.extend(found.unwrap_or_else(same));
        self.signed.extend((start..).zip(signed.iter().copied()));
        self.step(false);
    }

    /// Drops what is the same, and records each parting, as soon as enough lies ahead to see where it ends.
    fn step(&mut self, ended: bool) {
        loop {
            while let (Some(one), Some(other)) = (self.stands.front(), self.signed.front())
                && one.leaf == other.1
            {
                self.stands.pop_front();
                self.signed.pop_front();
            }
            let (stands, signed) = (self.stands.len(), self.signed.len());
            let near = (ended || stands.min(signed) >= NEARBY).then(|| self.meeting(NEARBY)).flatten();
            // Nothing further will tell, or enough lies ahead that it must be decided.
            let forced = ended || stands.min(signed) >= WINDOW || stands.max(signed) >= 2 * WINDOW;
            let all = (stands.min(WINDOW), signed.min(WINDOW));
            let parting = near.or_else(|| forced.then(|| self.meeting(WINDOW).unwrap_or(all)));
            match parting.filter(|(extra, lost)| extra + lost > 0) {
                Some((extra, lost)) => self.part(extra, lost),
                None => return,
            }
        }
    }

    /// How many of each list to pass by until they meet, as few as possible, and rather as many of one as of the other.
    fn meeting(&self, window: usize) -> Option<(usize, usize)> {
        let signed = self.signed.iter().take(window).enumerate().rev();
        let ahead: HashMap<Hash, usize> = signed.map(|(at, (_, leaf))| (*leaf, at)).collect();
        let stands = self.stands.iter().take(window).enumerate();
        let meetings = stands.filter_map(|(at, found)| Some((at, *ahead.get(&found.leaf)?)));
        meetings.min_by_key(|(extra, lost)| (*extra.max(lost), extra.abs_diff(*lost)))
    }

    fn part(&mut self, extra: usize, lost: usize) {
        let parting =
            Parting { extra: self.stands.drain(..extra).collect(), lost: self.signed.drain(..lost).collect() };
        self.more |= self.listed > LISTED;
        if !self.more {
            self.partings.push(parting);
        }
        self.listed += extra + lost;
    }

    /// The findings, and whether there were more.
    pub(super) fn finish(mut self) -> (Vec<Finding>, bool) {
        self.step(true);
        let lost = self.partings.iter().flat_map(|parting| &parting.lost).map(|(_, leaf)| *leaf);
        let lost: HashSet<Hash> = lost.collect();
        let extra = self.partings.iter().flat_map(|parting| &parting.extra).map(|found| found.leaf);
        // What is too much here and lacks there was moved.
        let moved: HashSet<Hash> = extra.filter(|leaf| lost.contains(leaf)).collect();
        let findings = self.partings.into_iter().flat_map(|parting| parting.findings(&moved)).collect();
        (findings, self.more)
    }
}

impl Parting {
    fn findings(self, moved: &HashSet<Hash>) -> Vec<Finding> {
        let (strayed, extra): (Vec<_>, Vec<_>) = self.extra.into_iter().partition(|found| moved.contains(&found.leaf));
        let mut findings: Vec<_> =
            strayed.into_iter().map(|found| one(Damage::Moved, found.position, found.entry)).collect();
        let mut extra = extra.into_iter();
        for (position, _) in self.lost.into_iter().filter(|(_, leaf)| !moved.contains(leaf)) {
            findings.push(match extra.next() {
                Some(found) => one(Damage::Altered, position, found.entry),
                None => one(Damage::Missing, position, None),
            });
        }
        findings.extend(extra.map(|found| one(Damage::Added, found.position, found.entry)));
        findings
    }
}

const fn one(damage: Damage, position: u64, entry: Option<String>) -> Finding {
    Finding { damage, positions: position..position + 1, entry }
}
