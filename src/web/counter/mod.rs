//! The mediator at the counter.

pub mod opening_pages;
pub mod pages;
