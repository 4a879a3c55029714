//! What SQLite holds in another form than it is asked for: read, it looks right, and questions pass it by.

use diesel::prelude::*;

use super::LISTED;
use crate::store::db::AnyConnection;
use crate::store::{Db, Error};

/// Rows that are looked at together.
const PAGE: i64 = 100_000;

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
}

/// A column of SQLite holds what it is given: this one is no number, or one that would be read as another.
fn no_number(column: &str) -> String {
    format!("typeof({column}) not in ('integer', 'null') or {column} not between -2147483648 and 2147483647")
}

/// What a column holds that is no text, or nothing where that is meant.
fn no_text(column: &str) -> String {
    format!("typeof({column}) <> 'text'")
}

fn no_integer(column: &str) -> String {
    format!("typeof({column}) <> 'integer'")
}

/// The tables, each with the column that it is walked through by, what names a row, and what is odd about one.
fn tables() -> [(&'static str, &'static str, &'static str, String); 11] {
    let all = |parts: &[String]| parts.join(" or ");
    let words = ["kind", "organisation", "actor", "citizen", "mandate", "client", "procedure"].map(no_number);
    let days = ["term", "day", "kind"].map(no_number);
    let entries = ["id", "at", "kind"].map(no_text);
    let cosignatures = [no_integer("size"), no_text("witness"), no_text("line")];
    [
        ("journal_entries", "id", "id", all(&entries)),
        ("journal_sealed", "entry", "entry", all(&["entry", "owner"].map(no_text))),
        ("journal_positions", "position", "entry", all(&[no_integer("position"), no_text("entry")])),
        ("journal_pending", "entry", "entry", no_text("entry")),
        ("journal_tiles", "number", "number", all(&["level", "number"].map(no_integer))),
        ("journal_checkpoints", "size", "size", all(&[no_integer("size"), no_text("note")])),
        ("journal_cosignatures", "size", "size", all(&cosignatures)),
        ("journal_timestamps", "size", "size", no_integer("size")),
        ("journal_search", "n", "entry", all(&[no_integer("n"), no_text("entry"), all(&words)])),
        ("journal_terms", "number", "term", all(&[no_text("term"), no_number("number")])),
        ("journal_days", "term", "day", all(&[no_integer("entries"), all(&days)])),
    ]
}

/// How far a look at these tables came: the table, and the last value looked at, as SQLite writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looked(usize, Option<String>);

/// A row that is odd: its table, and its name.
pub type Odd = (&'static str, String);

/// Rows that are read as if they were right, and not found by what they say: a page of rows is looked at.
/// PostgreSQL has none.
///
/// # Errors
/// The database fails.
pub fn misread(db: &mut Db<'_>, from: Looked) -> Result<(Option<Looked>, Vec<Odd>), Error> {
    let AnyConnection::Sqlite(sqlite) = db.connection()? else { return Ok((None, Vec::new())) };
    let Looked(at, after) = from;
    let Some((table, key, name, odd)) = tables().into_iter().nth(at) else { return Ok((None, Vec::new())) };
    // What is nothing comes before all else, and is greater than nothing.
    let begins = after.map_or_else(|| "true".to_owned(), |after| format!("{key} > {after}"));
    let last = format!("select quote({key}) as name from {table} where {begins} order by {key} limit 1 offset {PAGE}");
    let last: Option<Named> = diesel::sql_query(last).get_result(sqlite).optional()?;
    let ends =
        last.as_ref().map_or_else(|| "true".to_owned(), |last| format!("({key} <= {0} or {key} is null)", last.name));
    let sql = format!(
        "select coalesce(cast({name} as text), '') as name from {table} where {begins} and {ends} and ({odd}) limit {LISTED}"
    );
    let odd: Vec<Named> = diesel::sql_query(sql).load(sqlite)?;
    let next = last.map_or(Looked(at + 1, None), |last| Looked(at, Some(last.name)));
    Ok((Some(next), odd.into_iter().map(|one| (table, one.name)).collect()))
}
