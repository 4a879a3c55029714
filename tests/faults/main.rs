//! What a real `serve` keeps of its promises when it is killed, cut off from its database, left without room, or asked for one thing
//! many times at once. Every promise is checked against the database afterwards, by somebody who was not there.
//!
//! `FAULT_KILLS` and `FAULT_CUTS` say how many (a release is checked with 100 and 1,000), `FAULT_TAKEOVERS` how often one of two nodes is
//! killed; `FAULT_SEED` repeats a run's chances.

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    /// A file.
    Sqlite,
    /// A server.
    Postgres,
}

/// Runs the same on SQLite and on PostgreSQL.
macro_rules! on_each_backend {
    ($($(#[doc = $doc:literal])* async fn $name:ident($database:ident) $body:block)+) => { $(
        $(#[doc = $doc])*
        async fn $name($database: $crate::database::Database) $body

        mod $name {
            #[actix_web::test]
            async fn sqlite() {
                super::$name($crate::database::Database::sqlite()).await;
            }

            #[actix_web::test]
            async fn postgres() {
                if let Some(database) = $crate::database::Database::postgres() {
                    super::$name(database).await;
                }
            }
        }
    )+ };
}

#[cfg(test)]
mod chance;
#[cfg(test)]
mod clerk;
#[cfg(test)]
mod cuts;
#[cfg(test)]
#[path = "../it/world/database.rs"]
#[expect(dead_code, reason = "shared with the stories, which also write beside the service")]
mod database;
#[cfg(test)]
mod gone;
#[cfg(test)]
mod kills;
#[cfg(test)]
mod office;
#[cfg(test)]
mod once;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod rights;
#[cfg(test)]
#[path = "../it/world/roles.rs"]
#[expect(dead_code, reason = "shared with the stories, which also sign in as a role")]
mod roles;
#[cfg(test)]
mod room;
#[cfg(test)]
mod serve;
#[cfg(test)]
#[path = "../it/world/snapshot.rs"]
mod snapshot;
#[cfg(test)]
mod takeovers;
#[cfg(test)]
mod verify;
