//! The mediator's work at the counter.

pub mod identification;
pub mod logged_out;
pub mod mandates;
pub mod opening;
pub mod opening_pages;
pub mod pages;
pub mod people;
pub mod person;
pub mod recap;
pub mod revocation;
pub mod signals;
