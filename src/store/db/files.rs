//! What only a database's own files know: logs, dead rows, copies.

use diesel::connection::SimpleConnection;
use diesel::sql_types::{Integer, Text};
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection};

use super::{AnyConnection, file};
use crate::store::Error;

/// How often a log is asked to be emptied while somebody reads, and how long is waited in between.
const ATTEMPTS: u32 = 20;
const PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

/// Tables from which the retention takes rows that were about persons.
const SWEPT: [&str; 12] = [
    "person_keys",
    "journal_sealed",
    "citizens",
    "citizen_search",
    "accounts",
    "agreements",
    "documents",
    "drafts",
    "sessions",
    "outbox",
    "contacts",
    "phones",
];

#[derive(QueryableByName)]
struct Checkpoint {
    #[diesel(sql_type = Integer)]
    busy: i32,
}

impl AnyConnection {
    /// Takes what was deleted out of the files, as far as the database allows it.
    pub(in crate::store) fn settle(&mut self) -> Result<bool, Error> {
        match self {
            Self::Sqlite(sqlite) => {
                for _ in 0..ATTEMPTS {
                    let done: Checkpoint = diesel::sql_query("pragma wal_checkpoint(truncate)").get_result(sqlite)?;
                    if done.busy == 0 {
                        return Ok(true);
                    }
                    std::thread::sleep(PAUSE);
                }
                Ok(false)
            }
            Self::Pg(pg) => {
                // It may take longer than anything that somebody waits for.
                pg.batch_execute("set statement_timeout = 0")?;
                for table in SWEPT {
                    pg.batch_execute(&format!("vacuum {table}"))?;
                }
                Ok(true)
            }
        }
    }

    /// A copy beside the database, without the keys: it gets its name when it is whole.
    pub(in crate::store) fn copy_without_keys(&mut self, to: &str) -> Result<(), Error> {
        let Self::Sqlite(sqlite) = self else {
            return Err(Error::Unavailable("only a file of SQLite is copied".to_owned()));
        };
        let unusable =
            |error: std::io::Error| Error::Unavailable(format!("the copy cannot be written: {}", error.kind()));
        let part = format!("{to}.part");
        // One that was interrupted holds the keys.
        drop(std::fs::remove_file(&part));
        file::make(&part);
        diesel::sql_query("vacuum into $1").bind::<Text, _>(&part).execute(sqlite)?;
        let mut copy = SqliteConnection::establish(&part).map_err(|error| Error::Unavailable(error.to_string()))?;
        copy.batch_execute("pragma secure_delete = on; pragma journal_mode = off; delete from person_keys; vacuum;")?;
        drop(copy);
        std::fs::File::open(&part).and_then(|file| file.sync_all()).map_err(unusable)?;
        std::fs::rename(&part, to).map_err(unusable)
    }
}
