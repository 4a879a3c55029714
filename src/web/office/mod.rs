//! Officers: erasures before their time, and holds.

pub mod erasures;
pub mod holds;
pub mod pages;
