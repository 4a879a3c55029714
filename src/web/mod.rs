//! What a person sees, and the handlers behind it.

pub mod assets;
pub mod auditor;
pub mod citizen;
pub mod context;
pub mod cookies;
pub mod counter;
pub mod document;
pub mod extract;
pub mod form;
pub mod frame;
pub mod headers;
mod log;
pub mod moment;
pub mod office;
pub mod parts;
pub mod policy;
pub mod present;
pub mod problem;
pub mod provider;
pub mod public;
pub mod refusals;
pub mod routes;
pub mod screen;
pub mod shell;
pub mod state;
pub mod texts;
