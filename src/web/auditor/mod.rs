//! Reading the journal.

pub mod pages;
