//! Reading the journal.

pub mod handler;
pub mod pages;
