//! The two OpenID Connect roles: client of FranceConnect, and identity provider for FranceConnect and others.

pub mod http;
pub mod keys;
pub mod provider;
pub mod relying_party;
