//! What `demo` adds.

pub mod pages;
