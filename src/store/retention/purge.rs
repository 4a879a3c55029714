//! What is over: links, codes, sessions, openings and sign-ins at services that came to their end.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamp};

use crate::domain::Instant;
use crate::store::schema::{drafts, flows, grants, sessions};
use crate::store::{Db, Error, Tx, stored};

/// Rows that one transaction deletes, at most.
const BATCH: usize = 500;

/// Nobody can be called at it any more.
const NOBODYS_PHONE: &str =
    "at < $1 and not exists (select 1 from contacts where contacts.phone = phones.id and contacts.number is not null)";

/// A trace of nobody whose data a hold keeps.
const UNHELD_TRACE: &str = "at < $1 and not exists (select 1 from holds where holds.lifted_at is null \
                            and holds.person in (traces.citizen, traces.account))";

/// A kind of row that is over at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// What uses gave to services. They come before the sign-ins they belong to.
    Grants,
    /// Sign-ins at services.
    Flows,
    /// Sign-in links.
    Links,
    /// Openings that came to nothing.
    Drafts,
    /// Browser sessions that nothing names any more.
    Sessions,
    /// Messages that were sent, or given up.
    Messages,
    /// Authenticators that were never confirmed.
    Enrolments,
    /// Tokens of clients that were presented.
    Seen,
    /// Authorisation requests sent ahead.
    Pushed,
    /// Traces for FranceConnect.
    Traces,
    /// What the journal knew phone numbers by that nobody has any more.
    Phones,
}

impl Over {
    /// All of them, in the order in which they can go.
    pub const ALL: [Self; 11] = [
        Self::Grants,
        Self::Flows,
        Self::Links,
        Self::Drafts,
        Self::Sessions,
        Self::Messages,
        Self::Enrolments,
        Self::Seen,
        Self::Pushed,
        Self::Traces,
        Self::Phones,
    ];

    /// Its table.
    #[must_use]
    pub const fn table(self) -> &'static str {
        self.spelled().0
    }

    /// Table, key, and what is over before the instant `$1`.
    const fn spelled(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Grants => {
                ("grants", "code_hash", "code_expires_at < $1 and (token_expires_at is null or token_expires_at < $1)")
            }
            Self::Flows => {
                ("flows", "id", "expires_at < $1 and not exists (select 1 from grants where grants.flow = flows.id)")
            }
            Self::Links => ("sign_in_links", "token_hash", "expires_at < $1"),
            Self::Drafts => ("drafts", "id", "created_at < $1 and stage <> 'opened'"),
            Self::Sessions => ("sessions", "id", "expires_at < $1"),
            Self::Messages => ("outbox", "id", "created_at < $1 and (sent_at is not null or failed_at is not null)"),
            Self::Enrolments => ("authenticators", "id", "confirmed_at is null and created_at < $1"),
            Self::Seen => ("seen_tokens", "hash", "expires_at < $1"),
            Self::Pushed => ("pushed_requests", "hash", "expires_at < $1"),
            Self::Traces => ("traces", "id", UNHELD_TRACE),
            Self::Phones => ("phones", "id", NOBODYS_PHONE),
        }
    }
}

/// What a batch of a purge did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Purged {
    /// Rows deleted.
    pub rows: usize,
    /// Where the next batch begins; nothing if there is no more.
    pub next: Option<String>,
}

/// Deletes one batch of what was over before an instant. What is alive is not over: codes, tokens and sign-ins end long before.
///
/// # Errors
/// The database fails; nothing is deleted then.
pub fn purge(tx: &mut Tx<'_>, over: Over, before: Instant, after: Option<&str>) -> Result<Purged, Error> {
    if over == Over::Sessions {
        return purge_sessions(tx, before, after.unwrap_or_default());
    }
    let (table, key, ended) = over.spelled();
    // Asked again of the row itself: it may have come back to life since it was found.
    let sql = format!(
        "delete from {table} where {key} in (select {key} from {table} where {ended} limit {BATCH}) and ({ended})"
    );
    let rows = diesel::sql_query(sql).bind::<Timestamp, _>(stored(before)).execute(tx.connection()?)?;
    Ok(Purged { rows, next: (rows == BATCH).then(String::new) })
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    many: i64,
}

/// How many rows a run would purge, whose accounts `gone` go with their own rows before it comes to these. What waits for other rows to go
/// is counted as if those were gone.
///
/// # Errors
/// The database fails.
pub fn count(db: &mut Db<'_>, over: Over, before: Instant, gone: &[String]) -> Result<usize, Error> {
    let (table, _, ended) = over.spelled();
    let ended = match over {
        Over::Flows => flow_over(),
        // Mandates keep the opening they come from, which keeps its session.
        Over::Sessions => {
            let named =
                [("drafts", Over::Drafts.spelled().2), ("grants", Over::Grants.spelled().2), ("flows", &flow_over())]
                    .map(|(by, over)| {
                        format!("exists (select 1 from {by} where {by}.session = sessions.id and not ({over}))")
                    });
            format!("expires_at < $1 and not ({})", named.join(" or "))
        }
        _ => ended.to_owned(),
    };
    let mut many = counted(db, &format!("select count(*) as many from {table} where {ended}"), before)?;
    if matches!(over, Over::Links | Over::Messages | Over::Enrolments) {
        for some in gone.chunks(BATCH) {
            // Identifiers of ours, written out.
            let listed = some.iter().map(|id| format!("'{id}'")).collect::<Vec<_>>().join(", ");
            let theirs = format!("select count(*) as many from {table} where ({ended}) and account in ({listed})");
            many = many.saturating_sub(counted(db, &theirs, before)?);
        }
    }
    Ok(many)
}

/// When a sign-in at a service goes: what it gave is over too, and went before it.
fn flow_over() -> String {
    let given = Over::Grants.spelled().2;
    format!("expires_at < $1 and not exists (select 1 from grants where grants.flow = flows.id and not ({given}))")
}

fn counted(db: &mut Db<'_>, sql: &str, before: Instant) -> Result<usize, Error> {
    let Count { many } = diesel::sql_query(sql).bind::<Timestamp, _>(stored(before)).get_result(db.connection()?)?;
    Ok(usize::try_from(many).unwrap_or_default())
}

/// Mandates keep the opening they come from, which keeps its session: those are looked at and left.
fn purge_sessions(tx: &mut Tx<'_>, before: Instant, after: &str) -> Result<Purged, Error> {
    let mut found: Vec<String> = sessions::table
        .filter(sessions::expires_at.lt(stored(before)).and(sessions::id.gt(after)))
        .order(sessions::id)
        .limit(super::super::rows(BATCH))
        .select(sessions::id)
        .load(tx.connection()?)?;
    let next = if found.len() == BATCH { found.last().cloned() } else { None };
    let mut named: Vec<String> =
        drafts::table.filter(drafts::session.eq_any(&found)).select(drafts::session).load(tx.connection()?)?;
    let given: Vec<String> =
        grants::table.filter(grants::session.eq_any(&found)).select(grants::session).load(tx.connection()?)?;
    let flows: Vec<Option<String>> =
        flows::table.filter(flows::session.eq_any(&found)).select(flows::session).load(tx.connection()?)?;
    named.extend(given.into_iter().chain(flows.into_iter().flatten()));
    found.retain(|id| !named.contains(id));
    let rows = diesel::delete(sessions::table.filter(sessions::id.eq_any(&found))).execute(tx.connection()?)?;
    Ok(Purged { rows, next })
}
