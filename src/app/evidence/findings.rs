//! What is found, as much of it as is listed.

use super::Found;

/// Findings listed: where everything is gone, not every row of it is named.
const LISTED: usize = 10_000;

/// What is wrong.
#[derive(Debug, Default)]
pub(super) struct Findings {
    listed: Vec<Found>,
    more: bool,
}

impl Findings {
    /// One more thing.
    pub(super) fn say(&mut self, found: Found) {
        if self.listed.len() < LISTED {
            self.listed.push(found);
        } else {
            self.more = true;
        }
    }

    /// Whether there was more than is listed.
    pub(super) const fn more(&self) -> bool {
        self.more
    }

    /// What is listed.
    pub(super) fn listed(self) -> Vec<Found> {
        self.listed
    }
}

impl Extend<Found> for Findings {
    fn extend<T: IntoIterator<Item = Found>>(&mut self, all: T) {
        all.into_iter().for_each(|found| self.say(found));
    }
}
