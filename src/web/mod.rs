//! What a person sees, and the handlers behind it.

pub mod assets;
pub mod auditor;
pub mod citizen;
pub mod counter;
pub mod document;
pub mod moment;
pub mod parts;
pub mod provider;
pub mod public;
pub mod shell;
pub mod texts;
