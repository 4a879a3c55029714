//! Reading the journal.

pub mod entry;
pub mod handler;
pub mod pages;
