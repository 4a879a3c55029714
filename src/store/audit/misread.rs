//! What SQLite holds in the copy in another form than it is searched for.

use diesel::prelude::*;

use crate::store::db::AnyConnection;
use crate::store::{Db, Error};

/// Rows that are looked at together.
const PAGE: i64 = 100_000;
/// Rows that are listed of them.
const LISTED: i64 = 1_000;

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
}

/// A column of SQLite holds what it is given: this one is no number, or one that would be read as another.
fn no_number(column: &str) -> String {
    format!("typeof({column}) not in ('integer', 'null') or {column} not between -2147483648 and 2147483647")
}

/// The tables, each with the column that it is walked through by, what names a row, and what is odd about one.
fn tables() -> [(&'static str, &'static str, &'static str, String); 3] {
    let words = ["kind", "organisation", "actor", "citizen", "mandate", "client", "procedure"].map(no_number);
    let search = format!("typeof(n) <> 'integer' or typeof(entry) <> 'text' or {}", words.join(" or "));
    let days = ["term", "day", "kind"].map(no_number).join(" or ");
    [
        ("journal_search", "n", "entry", search),
        ("journal_terms", "number", "term", format!("typeof(term) <> 'text' or {}", no_number("number"))),
        ("journal_days", "term", "day", format!("typeof(entries) <> 'integer' or {days}")),
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
