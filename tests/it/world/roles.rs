//! The roles of PostgreSQL, for one story.

use mandataire::clock::Random;
use mandataire::store::{Location, Store};

use super::database::Database;

/// A database with roles of its own: they belong to the whole server.
pub(crate) struct Roles {
    prefix: String,
    /// The database, as its owner has it.
    pub(crate) owner: Database,
}

impl Roles {
    /// Makes them; nothing without a server.
    pub(crate) fn new() -> Option<Self> {
        let owner = Database::postgres()?;
        let prefix = format!("role_{:016x}", Random::system().u128() >> 64);
        Store::migrate(&owner.location).unwrap();
        Store::make_roles(&owner.location, &prefix).unwrap();
        // Once more: after every migration.
        Store::make_roles(&owner.location, &prefix).unwrap();
        assert!(Store::has_roles(&owner.location, &prefix).unwrap());
        Some(Self { prefix, owner })
    }

    /// The address for somebody who is one of them.
    pub(crate) fn url(&self, role: &str) -> String {
        format!("{}%20-crole%3D{}_{role}", self.owner.url, self.prefix)
    }

    /// The address as one of the roles.
    pub(crate) fn location(&self, role: &str) -> Location {
        Location::parse(&self.url(role)).unwrap()
    }

    /// The database as one of the roles.
    pub(crate) fn as_role(&self, role: &str) -> Database {
        self.owner.seen_through(self.url(role))
    }
}

impl Drop for Roles {
    fn drop(&mut self) {
        for role in ["service", "sequencer", "auditor"] {
            let name = format!("{}_{role}", self.prefix);
            drop(self.owner.execute(&format!("drop owned by {name}; drop role {name}")));
        }
    }
}
