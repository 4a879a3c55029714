//! What a machine that remembers nothing may believe: what it sees a living node sign. What the database says of earlier may be what a
//! backup says, and so may a checkpoint that was not there a moment ago: a newer backup was put under a node that runs.

use std::time::Instant;

use super::turn::SILENCE;
use crate::store::log::Holder;

/// So many times a holder was seen to count before it is taken to be alive: once, a database changed under us may look like.
const ALIVE: u32 = 2;

/// What a node that joins others has seen of them.
#[derive(Default)]
pub(super) struct Joining {
    last: Option<Look>,
}

/// A look at the holder and the tree.
struct Look {
    holder: Holder,
    size: u64,
    /// How often the same holder counted, without a silence in between.
    counted: u32,
    /// When it counted last, or was first seen.
    at: Instant,
}

impl Joining {
    /// Looks once more: whether a holder that was alive before this look has published since the last one.
    pub(super) fn sees(&mut self, holder: Holder, size: u64, now: Instant) -> bool {
        let goes_on = |before: &Look| {
            !holder.name.is_empty()
                && holder.name == before.holder.name
                && holder.beat >= before.holder.beat
                && size >= before.size
                && now.duration_since(before.at) < SILENCE
        };
        let Some(before) = self.last.take().filter(goes_on) else {
            self.last = Some(Look { holder, size, counted: 0, at: now });
            return false;
        };
        let counts = holder.beat > before.holder.beat;
        let (counted, at) = if counts { (before.counted.saturating_add(1), now) } else { (before.counted, before.at) };
        self.last = Some(Look { holder, size, counted, at });
        before.counted >= ALIVE && size > before.size
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Looks half a second apart, each at a holder, its beat and a size; whether the last one is believed.
    fn after(looks: &[(&str, i64, u64)]) -> bool {
        let (mut joining, began) = (Joining::default(), Instant::now());
        let mut sees = |at: u32, (name, beat, size): &(&str, i64, u64)| {
            let holder = Holder { name: (*name).to_owned(), beat: *beat };
            joining.sees(holder, *size, began + Duration::from_millis(500) * at)
        };
        (0..).zip(looks).fold(false, |_, (at, look)| sees(at, look))
    }

    #[test]
    fn what_a_living_holder_publishes_is_believed() {
        assert!(after(&[("one", 7, 30), ("one", 8, 30), ("one", 8, 31), ("one", 9, 31), ("one", 9, 32)]));
        assert!(!after(&[("one", 7, 30), ("one", 8, 31), ("one", 9, 31), ("one", 10, 31)]), "nothing new");
        assert!(!after(&[("one", 7, 30), ("one", 7, 31), ("one", 8, 32)]), "too early to say that it lives");
    }

    /// Each of these is what another database looks like that took the place of the first one.
    #[test]
    fn what_is_there_all_at_once_is_not_believed() {
        assert!(!after(&[("", 7, 30), ("", 8, 40), ("", 9, 50), ("", 10, 60)]), "nobody signs");
        assert!(!after(&[("one", 7, 30), ("one", 90, 40)]), "a newer backup of the same holder");
        assert!(!after(&[("one", 7, 30), ("one", 90, 40), ("one", 90, 40), ("one", 90, 40)]), "who is silent after it");
        let lived = [("one", 7, 30), ("one", 8, 30), ("one", 9, 30)];
        let then = |look| after(&[&lived[..], &[look]].concat());
        assert!(then(("one", 9, 31)));
        assert!(!then(("one", 8, 31)), "an older one under a holder that lives: it counted further");
        assert!(!then(("two", 10, 31)), "or another one held it");
        let mut fell = lived.to_vec();
        fell.extend([("one", 10, 20), ("one", 11, 25)]);
        assert!(!after(&fell), "it fell, and grows again");
        let mut silent = lived.to_vec();
        silent.extend([("one", 9, 30); 8]);
        silent.push(("one", 10, 31));
        assert!(!after(&silent), "after a silence it is unknown again");
    }
}
