//! What `demo` adds to the service: a pretend FranceConnect, a pretend public service, a browser that walks through both,
//! and the pages that only a demonstration has.

pub mod browser;
pub mod franceconnect;
pub mod handler;
mod jws;
pub mod pages;
pub mod public_service;
pub mod seed;
mod site;
pub mod walk;
