//! What a use in progress rests on, all of it in one query: whoever presents a code or a token is at a counter, waiting.

use diesel::prelude::*;

use super::accounts::{BELONGING, COLUMNS as ACCOUNT, Roles, Row as AccountRow, belonging};
use super::db::MultiBackend;
use super::grants::Row as GrantRow;
use super::mandates::{AuthorisationRow, Row as MandateRow, complete};
use super::organisations::Row as OrganisationRow;
use super::schema::{
    accounts, authorisations, citizens, clients, grants, mandates, memberships, organisations, person_keys, sessions,
};
use super::{Db, Error, citizens as people, clients as services};
use crate::domain::Instant;
use crate::domain::client::Client;
use crate::domain::digest::Digest;
use crate::domain::grant::Grant;
use crate::domain::mandate::Mandate;
use crate::domain::mediator::{Account, Membership};
use crate::domain::organisation::Organisation;
use people::Citizen;
use zeroize::Zeroizing;

diesel::alias! {
    const CITIZEN_KEYS: Alias<CitizenKeys> = person_keys as citizen_keys;
}

/// A use in progress.
pub struct InProgress {
    /// What it gave so far.
    pub grant: Grant,
    /// The service.
    pub client: Client,
    /// Who acts.
    pub account: Account,
    /// What they may do in the organisation; nothing if they left it.
    pub membership: Option<Membership>,
    /// The organisation.
    pub organisation: Organisation,
    /// Whether the session it began in is open.
    pub session_open: bool,
    /// The mandate, with the one authorisation that this use is about.
    pub mandate: Mandate,
    /// The identifier from which services' own are made.
    pub subject: String,
    secret: Vec<u8>,
    former: Option<Vec<u8>>,
    citizen: Vec<u8>,
    wrapped: Option<Vec<u8>>,
}

impl InProgress {
    /// The citizen's identity.
    ///
    /// # Errors
    /// The person's key is gone, or a value was altered.
    pub fn citizen(&self, db: &Db<'_>) -> Result<Citizen, Error> {
        let wrapped = self.wrapped.as_ref().ok_or(Error::NotFound)?;
        people::unsealed(db.vault, (self.grant.citizen.to_string(), self.subject.clone(), &self.citizen, wrapped))
    }

    /// The secret that signs what the service receives with HS256: the one with which the code was redeemed, as long as it is known.
    ///
    /// # Errors
    /// The value was altered.
    pub fn secret(&self, db: &Db<'_>) -> Result<Zeroizing<Vec<u8>>, Error> {
        let own = services::opened_secret(db, &self.client.id, &self.secret)?;
        let Some(hash) = self.grant.secret.filter(|hash| *hash != Digest::of(&own)) else { return Ok(own) };
        let Some(former) = &self.former else { return Ok(own) };
        let former = services::opened_former_secret(db, &self.client.id, former)?;
        Ok(if hash == Digest::of(&former) { former } else { own })
    }
}

type Span = (Option<chrono::NaiveDateTime>, chrono::NaiveDateTime);
type Read = (
    (GrantRow, services::Row, Vec<u8>, Option<Vec<u8>>),
    (AccountRow, Option<Roles>, OrganisationRow, Span),
    (MandateRow, Option<AuthorisationRow>),
    (String, Vec<u8>, Option<Vec<u8>>),
);

/// The columns of a row, as they stand beside others.
fn columns<R: Selectable<MultiBackend>>() -> R::SelectExpression {
    R::construct_selection()
}

/// The query, up to how the grant is found.
macro_rules! found_by {
    ($db:expr, $found:expr) => {{
        let part = authorisations::mandate.eq(grants::mandate).and(authorisations::procedure.eq(grants::procedure));
        let belongs = memberships::account.eq(grants::account).and(memberships::organisation.eq(grants::organisation));
        grants::table
            .inner_join(clients::table.on(clients::id.eq(grants::client)))
            .inner_join(accounts::table.on(accounts::id.eq(grants::account)))
            .inner_join(person_keys::table.on(person_keys::owner.eq(grants::account)))
            .inner_join(organisations::table.on(organisations::id.eq(grants::organisation)))
            .inner_join(sessions::table.on(sessions::id.eq(grants::session)))
            .inner_join(mandates::table.on(mandates::id.eq(grants::mandate)))
            .inner_join(citizens::table.on(citizens::id.eq(grants::citizen)))
            .left_join(memberships::table.on(belongs))
            .left_join(authorisations::table.on(part))
            .left_join(CITIZEN_KEYS.on(CITIZEN_KEYS.field(person_keys::owner).eq(grants::citizen)))
            .filter($found)
            .select((
                (columns::<GrantRow>(), columns::<services::Row>(), clients::secret, clients::previous),
                (ACCOUNT, BELONGING.0.nullable(), BELONGING.1, (sessions::ended_at, sessions::expires_at)),
                (columns::<MandateRow>(), columns::<AuthorisationRow>().nullable()),
                (citizens::subject, citizens::identity, CITIZEN_KEYS.field(person_keys::wrapped).nullable()),
            ))
            .first::<Read>($db.connection()?)?
    }};
}

/// The use that gave a code.
///
/// # Errors
/// There is none.
pub fn of_code(db: &mut Db<'_>, code_hash: &[u8], now: Instant) -> Result<InProgress, Error> {
    let row = found_by!(db, grants::code_hash.eq(code_hash));
    read(db, row, now)
}

/// The use that gave an access token.
///
/// # Errors
/// There is none.
pub fn of_token(db: &mut Db<'_>, token_hash: &[u8], now: Instant) -> Result<InProgress, Error> {
    let row = found_by!(db, grants::token_hash.eq(token_hash));
    read(db, row, now)
}

fn read(db: &Db<'_>, row: Read, now: Instant) -> Result<InProgress, Error> {
    let ((grant, client, secret, former), (account, roles, organisation, span), (mandate, part), citizen) = row;
    let (subject, citizen, wrapped) = citizen;
    let (membership, organisation) = match roles {
        Some(roles) => {
            let (membership, organisation) = belonging((roles, organisation))?;
            (Some(membership), organisation)
        }
        None => (None, organisation.try_into()?),
    };
    Ok(InProgress {
        grant: grant.try_into()?,
        client: client.try_into()?,
        account: account.open(db.vault)?,
        membership,
        organisation,
        session_open: span.0.is_none() && crate::domain::runs(now, super::read_back(span.1)),
        mandate: complete(&mandate, part.map(TryInto::try_into).transpose()?.into_iter().collect())?,
        subject,
        secret,
        former,
        citizen,
        wrapped,
    })
}
