//! What the pretend FranceConnect remembers, in memory only.

use actix_web::HttpRequest;
use chrono::TimeDelta;

use super::identity::Identity;
use super::pages::Halt;
use crate::demo::site::Shelf;
use crate::domain::Instant;
use crate::domain::procedure::Procedure;

/// Name of the session cookie.
pub(super) const COOKIE: &str = "fc_session_id";
/// A session lives that long after its last use.
pub(super) const SESSION: TimeDelta = TimeDelta::minutes(30);
/// A code lives that long.
pub(super) const CODE: TimeDelta = TimeDelta::seconds(30);
/// A token lives that long.
pub(super) const TOKEN: TimeDelta = TimeDelta::seconds(60);

/// A request of a service, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// `client_id` of the service.
    pub(super) client: String,
    pub(super) redirect_uri: String,
    pub(super) scopes: Vec<String>,
    pub(super) state: String,
    pub(super) nonce: String,
}

/// A sign-in in progress.
#[derive(Clone)]
pub(super) struct Interaction {
    pub(super) uid: String,
    pub(super) asked: Asked,
    /// What to tell the person on the list: why the last attempt failed.
    pub(super) message: Option<String>,
}

/// Who vouched for a person.
#[derive(Clone)]
pub(super) enum Via {
    /// The person, in the list of invented people.
    Themselves,
    /// Mandataire.
    Mandataire {
        /// Its ID token, the hint for its logout.
        id_token: String,
        /// The procedures it named.
        rep_scope: Vec<String>,
    },
}

/// The person signed in.
#[derive(Clone)]
pub(super) struct Person {
    pub(super) identity: Identity,
    pub(super) via: Via,
}

impl Person {
    /// Whether another service may find this person signed in: not after procedures that FranceConnect does not know.
    pub(super) fn is_reusable(&self) -> bool {
        match &self.via {
            Via::Themselves => true,
            Via::Mandataire { rep_scope, .. } => {
                rep_scope.iter().all(|label| Procedure::from_rep_scope(label).is_some())
            }
        }
    }
}

/// A person sent to Mandataire, who has not come back yet.
pub(super) struct Departure {
    pub(super) uid: String,
    pub(super) state: String,
    pub(super) nonce: String,
}

/// A browser's session.
#[derive(Default)]
pub(super) struct Session {
    pub(super) person: Option<Person>,
    pub(super) interaction: Option<Interaction>,
    pub(super) departure: Option<Departure>,
    /// Where to go once Mandataire has ended its own connection.
    pub(super) leaving_to: Option<String>,
}

/// What a code or an access token stands for.
#[derive(Clone)]
pub(super) struct Grant {
    pub(super) asked: Asked,
    pub(super) identity: Identity,
    /// Seconds since 1970.
    pub(super) auth_time: i64,
    /// The access token that the code gave: a code with one is used up.
    pub(super) access_token: Option<String>,
}

/// Everything remembered.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) sessions: Shelf<Session>,
    pub(super) codes: Shelf<Grant>,
    pub(super) tokens: Shelf<Grant>,
    /// The last code that Mandataire gave, kept to show that it does not work twice.
    pub(super) last_code: Option<String>,
}

impl Memory {
    /// The session of the browser that sent the request, which lives on from now.
    pub(super) fn session(&mut self, request: &HttpRequest, now: Instant) -> Result<&mut Session, Halt> {
        let cookie = request.cookie(COOKIE).map(|cookie| cookie.value().to_owned()).unwrap_or_default();
        self.sessions.touch(&cookie, now, SESSION).ok_or_else(Halt::session_lost)
    }

    /// The session and its sign-in in progress, if it is the one of the page.
    pub(super) fn interaction(
        &mut self,
        request: &HttpRequest,
        uid: &str,
        now: Instant,
    ) -> Result<(&mut Session, Interaction), Halt> {
        let session = self.session(request, now)?;
        let interaction = session.interaction.clone().filter(|interaction| interaction.uid == uid);
        Ok((session, interaction.ok_or_else(Halt::session_lost)?))
    }
}
