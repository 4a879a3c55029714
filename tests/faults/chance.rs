//! What differs from run to run: how often, and the chances, which can be repeated.

use std::str::FromStr;

use mandataire::clock::Random;

/// A number from the environment.
pub(crate) fn setting<T: FromStr>(name: &str, default: T) -> T {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")),
        Err(_) => default,
    }
}

/// Chances that can be repeated (`SplitMix64`).
pub(crate) struct Chance(u64);

impl Chance {
    /// From `FAULT_SEED`, or new; printed either way, for whoever has to repeat a failure.
    pub(crate) fn new(of: &str) -> Self {
        let fresh = u64::from_le_bytes(Random::system().bytes());
        let seed = setting("FAULT_SEED", fresh);
        eprintln!("{of}: FAULT_SEED={seed}");
        Self(seed)
    }

    /// A number from 0, below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}
