//! The file of a database: made for its owner alone, and looked at again, because a file that is moved away or removed stays open
//! where it was, and what is written there is lost.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::Location;
use crate::store::Error;

/// Less room than this is none: an opening takes a tenth of it.
const ROOM: usize = 1 << 20;
/// The file that shows whether there is room, beside the database.
const TRIAL: &str = ".room";

/// The file that was opened. Nothing for a server, which answers for itself.
pub struct Held(Option<(PathBuf, Identity)>);

/// The device, and the number on it: whatever the path leads to later, this is the file.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Identity(u64, u64);

impl Identity {
    fn of(path: &Path) -> std::io::Result<Self> {
        fs::metadata(path).map(|found| Self(found.dev(), found.ino()))
    }
}

/// Makes the file of a new database, before anybody else could open it. The files beside it get its mode from SQLite. One that is there
/// stays as it is, and what is wrong with the folder is said by whoever opens the database.
pub(super) fn make(path: &str) {
    drop(OpenOptions::new().write(true).create_new(true).mode(0o600).open(path));
}

impl Held {
    /// What a location leads to when it is opened.
    pub(in crate::store) fn by(location: &Location) -> Result<Self, Error> {
        let Location::Sqlite(path) = location else { return Ok(Self(None)) };
        make(path);
        let path = PathBuf::from(path);
        let identity = Identity::of(&path).map_err(|error| unusable(&error))?;
        Ok(Self(Some((path, identity))))
    }

    /// Whether the location still leads there. It is asked before every transaction: next to a commit, it costs nothing.
    pub(in crate::store) fn is_there(&self) -> Result<(), Error> {
        let Some((path, opened)) = &self.0 else { return Ok(()) };
        match Identity::of(path) {
            Ok(found) if found == *opened => Ok(()),
            Ok(_) => Err(Error::Unavailable("another file stands in the place of the database's".to_owned())),
            Err(error) => Err(unusable(&error)),
        }
    }

    /// Whether there is room for more than a row. The database itself does not say: it still fits into pages that it has already.
    pub(in crate::store) fn has_room(&self) -> Result<(), Error> {
        let Some((path, _)) = &self.0 else { return Ok(()) };
        let mut trial = path.clone().into_os_string();
        trial.push(TRIAL);
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&trial);
        let written = file.and_then(|mut file| file.write_all(&vec![0; ROOM]).and_then(|()| file.sync_all()));
        match (written, fs::remove_file(&trial)) {
            (Ok(()), Ok(())) => Ok(()),
            (Err(error), _) | (_, Err(error)) => Err(unusable(&error)),
        }
    }
}

/// The path stays out of what is shown.
fn unusable(error: &std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::NotFound => Error::Unavailable("the file of the database is gone".to_owned()),
        kind => Error::Unavailable(format!("the file of the database cannot be used: {kind}")),
    }
}
