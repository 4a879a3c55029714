//! The citizen's own screens.

pub mod handler;
pub mod pages;
