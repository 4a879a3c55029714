//! Whether the database answers, for whoever watches the service.

use std::sync::{Mutex, PoisonError};

use super::db::{AnyConnection, Location};
use super::{Error, read_back};
use crate::domain::Instant;

/// What the database knows of the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// What the clock of its server says.
    Server(Instant),
    /// It has no clock but ours: the newest instant that the journal holds.
    Recorded(Option<Instant>),
}

/// A connection that no request uses: when every one of the pool is busy, the database still answers.
pub(super) struct Probe {
    location: Location,
    kept: Mutex<Option<AnyConnection>>,
}

impl Probe {
    pub(super) const fn new(location: Location) -> Self {
        Self { location, kept: Mutex::new(None) }
    }

    /// What time the server says it is.
    pub(super) fn ask(&self) -> Result<Time, Error> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        // One that was kept may have been cut since: that says nothing of the server now.
        let answered = kept.and_then(|mut connection| connection.server_time().ok().map(|time| (connection, time)));
        let anew = || {
            let mut connection = self.location.open()?;
            let time = connection.server_time()?;
            Ok::<_, Error>((connection, time))
        };
        let (connection, time) = answered.map_or_else(anew, Ok)?;
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection);
        Ok(time.map_or(Time::Recorded(None), |time| Time::Server(read_back(time))))
    }
}
