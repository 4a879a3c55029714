//! Mandataire: a trained mediator acts for a citizen online, under a mandate, without ever knowing the citizen's password.
//!
//! The map of this tree, each part naming only those to its right:
//! `main → cli → app → {web, oidc, messaging, demo} → store → {domain, journal}`. `docs/ARCHITECTURE.md` says why.

pub mod admin;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod credential;
pub mod demo;
pub mod domain;
pub mod journal;
pub mod logging;
pub mod messaging;
pub mod oidc;
pub mod store;
pub mod web;
