//! Rows that questions pass by: without what they are found by, where the constraints were taken away; and on SQLite in another form
//! than is asked for, which may look right when it is read.

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

/// A table of the journal.
struct Table {
    name: &'static str,
    /// The column that it is walked through by.
    walk: &'static str,
    /// What names a row.
    shown: &'static str,
    /// What its rows are found by.
    keys: &'static [&'static str],
    /// What is odd about one on SQLite.
    odd: String,
}

impl Table {
    /// A row that nothing finds.
    fn lost(&self) -> String {
        let nothing = |key: &&str| match *key {
            "id" | "entry" | "owner" => format!("{key} is null or {key} = ''"),
            _ => format!("{key} is null"),
        };
        self.keys.iter().map(nothing).collect::<Vec<_>>().join(" or ")
    }
}

const TABLES: usize = 12;

fn tables() -> [Table; TABLES] {
    let all = |parts: &[String]| parts.join(" or ");
    let table = |name, walk, shown, keys, odd| Table { name, walk, shown, keys, odd };
    let words = ["kind", "organisation", "actor", "citizen", "mandate", "client", "procedure"].map(no_number);
    let days = ["term", "day", "kind"].map(no_number);
    let entries = ["id", "at", "kind"].map(no_text);
    let cosignatures = [no_integer("size"), no_text("witness"), no_text("line")];
    let positions = [no_integer("position"), no_text("entry")];
    [
        table("journal_entries", "id", "id", &["id"], all(&entries)),
        table("journal_sealed", "entry", "entry", &["entry"], all(&["entry", "owner"].map(no_text))),
        table("journal_positions", "position", "entry", &["position"], all(&positions)),
        table("journal_pending", "entry", "entry", &["entry"], no_text("entry")),
        table("journal_tiles", "number", "number", &["level", "number"], all(&["level", "number"].map(no_integer))),
        table("journal_checkpoints", "size", "size", &["size"], all(&[no_integer("size"), no_text("note")])),
        table("journal_cosignatures", "size", "size", &["size", "witness"], all(&cosignatures)),
        table("journal_timestamps", "size", "size", &["size"], no_integer("size")),
        table("erasures", "owner", "owner", &["owner"], all(&["owner", "entry", "at"].map(no_text))),
        table("journal_search", "n", "entry", &["n"], all(&[no_integer("n"), no_text("entry"), all(&words)])),
        table("journal_terms", "number", "term", &["number", "term"], all(&[no_text("term"), no_number("number")])),
        table("journal_days", "term", "day", &["term", "day", "kind"], all(&[no_integer("entries"), all(&days)])),
    ]
}

/// How far a look at these tables came: the table, and the last value looked at, as SQLite writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looked(usize, Option<String>);

/// A row that is odd: its table, and its name.
pub type Odd = (&'static str, String);

/// Rows that are not found by what they say: a page of rows is looked at.
///
/// # Errors
/// The database fails.
pub fn misread(db: &mut Db<'_>, from: Looked) -> Result<(Option<Looked>, Vec<Odd>), Error> {
    let Looked(at, after) = from;
    let Some(table) = tables().into_iter().nth(at) else { return Ok((None, Vec::new())) };
    let name = table.name;
    let connection = db.connection()?;
    let (next, odd) = if matches!(connection, AnyConnection::Sqlite(_)) {
        page(connection, &table, after)?
    } else {
        // Each of its values is of the column's type, and an index leads to those that are not there.
        (None, diesel::sql_query(listed(&table, &table.lost())).load::<Named>(connection)?)
    };
    let next = next.map_or(Looked(at + 1, None), |last| Looked(at, Some(last.name)));
    Ok((Some(next), odd.into_iter().map(|one| (name, one.name)).collect()))
}

fn listed(table: &Table, which: &str) -> String {
    let Table { name, shown, .. } = table;
    format!("select coalesce(cast({shown} as text), '') as name from {name} where {which} limit {LISTED}")
}

/// The last value of a page, unless it is the last of the table, and what is odd in it.
fn page(
    connection: &mut AnyConnection,
    table: &Table,
    after: Option<String>,
) -> Result<(Option<Named>, Vec<Named>), Error> {
    let Table { name, walk, odd, .. } = table;
    // What is nothing comes before all else, and is greater than nothing.
    let begins = after.map_or_else(|| "true".to_owned(), |after| format!("{walk} > {after}"));
    let last = format!("select quote({walk}) as name from {name} where {begins} order by {walk} limit 1 offset {PAGE}");
    let last: Option<Named> = diesel::sql_query(last).get_result(connection).optional()?;
    let ends =
        last.as_ref().map_or_else(|| "true".to_owned(), |last| format!("({walk} <= {0} or {walk} is null)", last.name));
    let sql = listed(table, &format!("{begins} and {ends} and ({odd} or {})", table.lost()));
    Ok((last, diesel::sql_query(sql).load(connection)?))
}
