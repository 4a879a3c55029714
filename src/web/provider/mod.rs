//! Choosing for whom, and for which procedure, at a public service.

pub mod pages;
