//! Our role as an identity provider: what the endpoints decide. How they are reached over HTTP is the pages' business.

pub mod assertion;
pub mod authorize;
pub mod client_auth;
pub mod discovery;
pub mod error;
pub mod hint;
pub mod introspection;
pub mod logout;
pub mod params;
pub mod prompt;
pub mod proof;
pub mod pushed;
mod signed;
mod standing;
pub mod token;
pub mod userinfo;

use crate::clock::{Clock, Random};
use crate::oidc::keys::KeyRing;
use crate::store::Store;

/// The provider: its name, its keys, and what it needs to decide.
#[derive(Clone)]
pub struct Provider {
    /// Our issuer: the public address, byte for byte.
    pub issuer: String,
    /// The keys that sign.
    pub keys: KeyRing,
    /// The database.
    pub store: Store,
    /// Time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
}
