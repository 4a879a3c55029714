//! What can go wrong between us and the database.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// A failure of the store. None of them carries a value of a row.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing, or it is not yours: the two are the same.
    #[error("not found")]
    NotFound,
    /// A constraint of the database refused a second one of what may exist once, or what was to be changed had changed in the meantime.
    #[error("another one exists already")]
    Conflict,
    /// The database does not answer, or refuses for now. Nothing was written.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The connection was cut while the database was committing: written or not, nobody knows. Safe to ask again.
    #[error("the outcome of a commit is unknown")]
    Uncertain,
    /// A row holds what this program never writes.
    #[error("the database holds an unexpected value: {0}")]
    Corrupt(&'static str),
    /// A sealed value does not open.
    #[error("the vault refuses: {0}")]
    Sealed(&'static str),
}

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::NotFound => Self::NotFound,
            // The second: what a change was about had changed in the meantime (`demand_one`).
            DieselError::DatabaseError(
                DatabaseErrorKind::UniqueViolation | DatabaseErrorKind::SerializationFailure,
                _,
            ) => Self::Conflict,
            // The message of a database error may quote a value: only its kind goes on.
            DieselError::DatabaseError(kind, info) => {
                let constraint = info.constraint_name().unwrap_or("none").to_owned();
                Self::Unavailable(format!("{kind:?}, constraint {constraint}"))
            }
            DieselError::DeserializationError(_) | DieselError::SerializationError(_) => Self::Corrupt("a column"),
            other => Self::Unavailable(format!("{other:?}")),
        }
    }
}
