//! A change that cannot be kept without its facts.

use super::Event;

/// A new state together with the facts that made it. Only the domain can build one, and the store saves nothing else:
/// "changed but not journalled" does not compile.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a change that is not saved did not happen"]
pub struct Journalled<T> {
    value: T,
    events: Vec<Event>,
}

impl<T> Journalled<T> {
    pub(in crate::domain) fn new(value: T, events: Vec<Event>) -> Self {
        Self { value, events }
    }

    /// The new state, to look at before saving.
    pub const fn value(&self) -> &T {
        &self.value
    }

    /// The new state and its facts, for the store.
    pub fn into_parts(self) -> (T, Vec<Event>) {
        (self.value, self.events)
    }
}
