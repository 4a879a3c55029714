//! After rows were deleted: what is left of them in the files goes too.

use super::{Error, Location, Store};

impl Store {
    /// Writes SQLite's log back and empties it; takes dead rows out of PostgreSQL's tables, as far as this role may. False if a reader
    /// kept SQLite's log from being emptied: the next run tries again.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn settle(location: Location) -> Result<bool, Error> {
        let settled = tokio::task::spawn_blocking(move || location.open()?.settle());
        settled.await.unwrap_or_else(|_| Err(Error::Unavailable("the work stopped unexpectedly".to_owned())))
    }

    /// A copy of an SQLite database without the keys of persons, complete or not there at all.
    ///
    /// # Errors
    /// It is not SQLite; there is such a file already; the disk.
    pub async fn copy_without_keys(location: Location, to: String) -> Result<(), Error> {
        let copied = tokio::task::spawn_blocking(move || location.open()?.copy_without_keys(&to));
        copied.await.unwrap_or_else(|_| Err(Error::Unavailable("the work stopped unexpectedly".to_owned())))
    }
}
