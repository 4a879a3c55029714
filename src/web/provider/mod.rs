//! The provider role over HTTP: the protocol's endpoints, and the mediator's choices.

pub mod authorize;
pub mod choice;
pub mod endpoints;
pub mod exercise;
pub mod flow;
pub mod inquiries;
pub mod pages;
mod silent;
