//! What is found, as much of it as is listed.

use super::Found;

/// Findings listed: where everything is gone, not every row of it is named.
const LISTED: usize = 1_000;

/// What is wrong.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) listed: Vec<Found>,
    /// Whether there was more.
    pub(super) more: bool,
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
}
