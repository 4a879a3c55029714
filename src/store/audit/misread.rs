//! What SQLite holds in the copy in another form than it is searched for.

use diesel::prelude::*;

use crate::store::db::AnyConnection;
use crate::store::{Db, Error};

/// Rows that are listed of each table.
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

/// Rows that are read as if they were right, and not found by what they say: each a table and a name. PostgreSQL has none.
///
/// # Errors
/// The database fails.
pub fn misread(db: &mut Db<'_>) -> Result<Vec<(&'static str, String)>, Error> {
    let AnyConnection::Sqlite(sqlite) = db.connection()? else { return Ok(Vec::new()) };
    let words = ["kind", "organisation", "actor", "citizen", "mandate", "client", "procedure"].map(no_number);
    let of = |table, name, odd: String| {
        (table, format!("select coalesce(cast({name} as text), '') as name from {table} where {odd} limit {LISTED}"))
    };
    let search = format!("typeof(n) <> 'integer' or typeof(entry) <> 'text' or {}", words.join(" or "));
    let days = ["term", "day", "kind"].map(no_number).join(" or ");
    let asked = [
        of("journal_search", "entry", search),
        of("journal_terms", "term", format!("typeof(term) <> 'text' or {}", no_number("number"))),
        of("journal_days", "day", format!("typeof(entries) <> 'integer' or {days}")),
    ];
    let mut found = Vec::new();
    for (table, sql) in asked {
        let odd: Vec<Named> = diesel::sql_query(sql).load(sqlite)?;
        found.extend(odd.into_iter().map(|one| (table, one.name)));
    }
    Ok(found)
}
