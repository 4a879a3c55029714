//! Whoever owns the database: no trigger, no key and no constraint is in their way, and what they change they can put back.

use diesel::connection::{Connection, SimpleConnection};
use diesel::pg::PgConnection;
use diesel::sql_types::{Nullable, Text};
use diesel::sqlite::SqliteConnection;
use diesel::{QueryableByName, RunQueryDsl};
use mandataire::journal::line;

use crate::world::Backend;
use crate::world::database::Database;

/// A column: its name, and what is kept in it.
pub(super) type Column = (&'static str, Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Bytes,
    Number,
    Instant,
}

use Kind::{Bytes, Instant, Number, Text as Words};

/// A table of the journal: its columns, the key first; how many make the key.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [Column],
    pub(super) key: usize,
}

pub(super) const ENTRIES: Table = Table {
    name: "journal_entries",
    columns: &[
        ("id", Words),
        ("at", Instant),
        ("kind", Words),
        ("organisation", Words),
        ("actor", Words),
        ("citizen", Words),
        ("mandate", Words),
        ("client", Words),
        ("clear", Bytes),
        ("commitment", Bytes),
        ("leaf", Bytes),
    ],
    key: 1,
};
pub(super) const SEALED: Table = Table {
    name: "journal_sealed",
    columns: &[("entry", Words), ("owner", Words), ("salt", Bytes), ("ciphertext", Bytes)],
    key: 1,
};
pub(super) const POSITIONS: Table =
    Table { name: "journal_positions", columns: &[("position", Number), ("entry", Words)], key: 1 };
pub(super) const PENDING: Table = Table { name: "journal_pending", columns: &[("entry", Words)], key: 1 };
pub(super) const TILES: Table = Table {
    name: "journal_tiles",
    columns: &[("level", Number), ("number", Number), ("root", Bytes), ("hashes", Bytes)],
    key: 2,
};
pub(super) const CHECKPOINTS: Table = Table {
    name: "journal_checkpoints",
    columns: &[("size", Number), ("root", Bytes), ("at", Instant), ("note", Words), ("previous", Number)],
    key: 1,
};
pub(super) const COSIGNATURES: Table =
    Table { name: "journal_cosignatures", columns: &[("size", Number), ("witness", Words), ("line", Words)], key: 2 };
pub(super) const TIMESTAMPS: Table =
    Table { name: "journal_timestamps", columns: &[("size", Number), ("at", Instant), ("reply", Bytes)], key: 1 };
pub(super) const SEARCH: Table = Table {
    name: "journal_search",
    columns: &[
        ("n", Number),
        ("entry", Words),
        ("kind", Number),
        ("organisation", Number),
        ("actor", Number),
        ("citizen", Number),
        ("mandate", Number),
        ("client", Number),
        ("procedure", Number),
    ],
    key: 1,
};
pub(super) const TERMS: Table =
    Table { name: "journal_terms", columns: &[("number", Number), ("term", Words)], key: 1 };
pub(super) const DAYS: Table = Table {
    name: "journal_days",
    columns: &[("term", Number), ("day", Number), ("kind", Number), ("entries", Number)],
    key: 3,
};
pub(super) const ERASURES: Table =
    Table { name: "erasures", columns: &[("owner", Words), ("entry", Words), ("at", Instant)], key: 1 };
pub(super) const TABLES: [&Table; 12] = [
    &ENTRIES,
    &SEALED,
    &POSITIONS,
    &PENDING,
    &TILES,
    &CHECKPOINTS,
    &COSIGNATURES,
    &TIMESTAMPS,
    &SEARCH,
    &TERMS,
    &DAYS,
    &ERASURES,
];

/// A row, as SQL writes its values.
pub(super) type Row = Vec<String>;

enum Connected {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Nullable<Text>)]
    value: Option<String>,
}

/// The hand.
pub(super) struct Hand(Connected);

impl Hand {
    /// Takes everything away that the database would refuse by, and keeps a copy of each table.
    pub(super) fn on(database: &Database) -> Self {
        let connected = match database.backend {
            Backend::Sqlite => {
                let path = database.url.trim_start_matches("sqlite:");
                Connected::Sqlite(SqliteConnection::establish(path).unwrap())
            }
            Backend::Postgres => Connected::Postgres(PgConnection::establish(&database.url).unwrap()),
        };
        let mut hand = Self(connected);
        let sqlite = matches!(hand.0, Connected::Sqlite(_));
        if sqlite {
            hand.does("pragma busy_timeout = 5000; pragma foreign_keys = off; pragma synchronous = off; pragma legacy_alter_table = on");
        } else {
            let names = TABLES.map(|table| format!("'{}'", table.name)).join(", ");
            hand.does(&format!(
                "do $$ declare one record; begin \
                 for one in select conrelid::regclass as owner, conname from pg_constraint join pg_class on pg_class.oid = conrelid \
                 where relname in ({names}) and relnamespace = current_schema()::regnamespace order by contype = 'p' loop \
                 execute format('alter table %s drop constraint if exists %I cascade', one.owner, one.conname); end loop; end $$"
            ));
        }
        for Table { name, columns, .. } in TABLES {
            hand.does(&format!("create table kept_{name} as select * from {name}"));
            if sqlite {
                hand.does(&format!("drop table {name}; create table {name} as select * from kept_{name}"));
            } else {
                hand.does(&format!("alter table {name} disable trigger all"));
                columns.iter().for_each(|(column, _)| {
                    hand.does(&format!("alter table {name} alter column {column} drop not null"));
                });
            }
            hand.does(&format!("create index by_{name} on {name} ({})", columns[0].0));
        }
        hand.does("create index by_entry on journal_positions (entry)");
        hand
    }

    pub(super) fn does(&mut self, sql: &str) {
        let done = match &mut self.0 {
            Connected::Sqlite(one) => one.batch_execute(sql),
            Connected::Postgres(one) => one.batch_execute(sql),
        };
        done.unwrap_or_else(|error| panic!("{error}: {}", sql.chars().take(300).collect::<String>()));
    }

    /// Puts tables back as they were.
    pub(super) fn restores(&mut self, tables: &[&str]) {
        for name in tables {
            self.does(&format!("delete from {name}; insert into {name} select * from kept_{name}"));
        }
    }

    /// Every row of a table, by its key.
    pub(super) fn rows(&mut self, table: &Table) -> Vec<Row> {
        let value = |(column, kind): &Column| match (&self.0, kind) {
            (Connected::Sqlite(_), _) => format!("quote({column})"),
            (Connected::Postgres(_), Bytes) => format!("'''\\x' || encode({column}, 'hex') || '''::bytea'"),
            (Connected::Postgres(_), Instant) => format!("quote_nullable({column}::text) || '::timestamp'"),
            (Connected::Postgres(_), Number) => format!("coalesce({column}::text, 'NULL')"),
            (Connected::Postgres(_), Words) => format!("quote_nullable({column})"),
        };
        let all = table.columns.iter().map(value).collect::<Vec<_>>().join(" || '\u{1}' || ");
        let keys = table.columns.iter().take(table.key).map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let query = diesel::sql_query(format!("select {all} as value from {} order by {keys}", table.name));
        let lines: Vec<Line> = match &mut self.0 {
            Connected::Sqlite(one) => query.load(one),
            Connected::Postgres(one) => query.load(one),
        }
        .unwrap();
        let split = |line: Line| line.value.unwrap().split('\u{1}').map(str::to_owned).collect();
        lines.into_iter().map(split).collect()
    }

    /// Bytes as this database writes them.
    pub(super) fn bytes(&self, bytes: &[u8]) -> String {
        let hex = line::hex(bytes);
        match self.0 {
            Connected::Sqlite(_) => format!("X'{hex}'"),
            Connected::Postgres(_) => format!("'\\x{hex}'::bytea"),
        }
    }

    /// A value with the smallest change.
    pub(super) fn changed(&self, value: &str, kind: Kind, chance: u64) -> String {
        if value.eq_ignore_ascii_case("null") {
            return if kind == Number { "7".to_owned() } else { "'x'".to_owned() };
        }
        match kind {
            Number => (value.parse::<i64>().unwrap() + if chance.is_multiple_of(2) { 1 } else { 100_000 }).to_string(),
            Instant => {
                let at = value.find(':').unwrap() + 1;
                let other = if &value[at..=at] == "0" { "1" } else { "0" };
                format!("{}{other}{}", &value[..at], &value[at + 1..])
            }
            Bytes => {
                let mut bytes = unhex(value);
                let at = usize::try_from(chance).unwrap() % (bytes.len() * 8);
                bytes[at / 8] ^= 1 << (at % 8);
                self.bytes(&bytes)
            }
            Words => {
                let mut letters: Vec<char> = value.trim_matches('\'').chars().collect();
                let at = usize::try_from(chance).unwrap() % letters.len();
                letters[at] = if letters[at] == 'x' { 'y' } else { 'x' };
                format!("'{}'", letters.into_iter().collect::<String>())
            }
        }
    }

    /// What stands for nothing.
    pub(super) fn emptied(&self, kind: Kind) -> String {
        match (kind, &self.0) {
            (Words, _) | (Instant, Connected::Sqlite(_)) => "''".to_owned(),
            (Bytes, _) => self.bytes(&[]),
            (Number, _) => "0".to_owned(),
            (Instant, Connected::Postgres(_)) => "'epoch'::timestamp".to_owned(),
        }
    }
}

/// The bytes of a value of either database.
pub(super) fn unhex(value: &str) -> Vec<u8> {
    let hex: String = value.trim_end_matches("::bytea").trim_matches('\'').to_owned();
    let hex = hex.trim_start_matches("X'").trim_start_matches("\\x").to_owned();
    let digits: Vec<u8> = hex.bytes().map(|one| u8::try_from((one as char).to_digit(16).unwrap()).unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

impl Table {
    /// Where a row is.
    pub(super) fn is(&self, row: &Row) -> String {
        let parts = self.columns.iter().take(self.key).zip(row).map(|((name, _), value)| format!("{name} = {value}"));
        parts.collect::<Vec<_>>().join(" and ")
    }

    /// Adds a row.
    pub(super) fn insert(&self, row: &Row) -> String {
        let names = self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        format!("insert into {} ({names}) values ({})", self.name, row.join(", "))
    }

    /// Sets columns of a row.
    pub(super) fn set(&self, row: &Row, values: &[(usize, String)]) -> String {
        let set = values.iter().map(|(at, value)| format!("{} = {value}", self.columns[*at].0));
        format!("update {} set {} where {}", self.name, set.collect::<Vec<_>>().join(", "), self.is(row))
    }
}
