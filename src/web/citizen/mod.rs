//! The screens that belong to the citizen.

pub mod pages;
