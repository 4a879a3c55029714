//! The migrations of both databases, and the tables that the program believes in.

use std::collections::BTreeMap;

use mandataire::store::{Error, Schema, Store};

use crate::source::root;
use crate::world::Backend;
use crate::world::database::Database;

/// A column: its type, and whether it may be absent.
type Columns = BTreeMap<String, (String, bool)>;

fn databases() -> Vec<Database> {
    [Some(Database::sqlite()), Database::postgres()].into_iter().flatten().collect()
}

/// The tables as `src/store/schema.rs` and what it names declare them.
fn declared() -> BTreeMap<String, Columns> {
    let text = ["schema.rs", "schema/journal.rs"]
        .map(|file| std::fs::read_to_string(root().join("src/store").join(file)).unwrap())
        .concat();
    let table = |block: &str| {
        let name = block.trim_start().split(' ').next().unwrap().to_owned();
        let (mut columns, mut renamed) = (Columns::new(), None);
        let lines: Vec<_> = block.lines().skip(2).map(str::trim).take_while(|line| *line != "}").collect();
        for part in lines.join(" ").split_terminator(',').map(str::trim) {
            let part = match part.strip_prefix("#[sql_name = \"").and_then(|rest| rest.split_once("\"] ")) {
                Some((name, rest)) => {
                    renamed = Some(name.to_owned());
                    rest
                }
                None => part,
            };
            let (column, kind) = part.split_once(" -> ").unwrap();
            let nullable = kind.starts_with("Nullable<");
            let kind = kind.trim_start_matches("Nullable<").trim_end_matches('>').to_owned();
            columns.insert(renamed.take().unwrap_or_else(|| column.to_owned()), (kind, nullable));
        }
        (name, columns)
    };
    text.split("diesel::table! {").skip(1).map(table).collect()
}

fn kind(of: &str) -> String {
    match of.to_lowercase().as_str() {
        "text" => "Text",
        "blob" | "bytea" => "Binary",
        "timestamp" | "timestamp without time zone" => "Timestamp",
        "boolean" => "Bool",
        "integer" => "Integer",
        "bigint" => "BigInt",
        other => other,
    }
    .to_owned()
}

fn tables(database: &Database) -> Vec<String> {
    let sql = match database.backend {
        Backend::Sqlite => "select name as value from sqlite_master where type = 'table' order by 1",
        Backend::Postgres => {
            "select table_name::text as value from information_schema.tables where table_schema = current_schema() order by 1"
        }
    };
    database.texts(sql).into_iter().filter(|name| !name.starts_with("__") && !name.starts_with("sqlite_")).collect()
}

/// The tables as a migrated database has them.
fn made(database: &Database) -> BTreeMap<String, Columns> {
    let columns = |table: &String| {
        let sql = match database.backend {
            Backend::Sqlite => format!(
                "select name || '|' || type || '|' || (case \"notnull\" when 1 then 'NO' else 'YES' end) as value from pragma_table_info('{table}')"
            ),
            Backend::Postgres => format!(
                "select (column_name || '|' || data_type || '|' || is_nullable)::text as value from information_schema.columns \
                 where table_schema = current_schema() and table_name = '{table}'"
            ),
        };
        let rows = database.texts(&sql).into_iter().map(|row| {
            let parts: Vec<&str> = row.split('|').collect();
            (parts[0].to_owned(), (kind(parts[1]), parts[2] == "YES"))
        });
        rows.collect::<Columns>()
    };
    tables(database).into_iter().map(|table| (table.clone(), columns(&table))).collect()
}

#[test]
fn both_databases_have_the_tables_that_the_program_believes_in() {
    let declared = declared();
    assert!(declared.len() > 20);
    for database in databases() {
        Store::migrate(&database.location).unwrap();
        let made = made(&database);
        for (name, columns) in &declared {
            assert_eq!(made.get(name), Some(columns), "{name} on {:?}", database.backend);
        }
        let names: Vec<_> = made.keys().collect();
        assert_eq!(names, declared.keys().collect::<Vec<_>>(), "{:?}", database.backend);
    }
}

#[test]
fn migrations_go_up_down_and_up_again_and_leave_nothing_below() {
    for database in databases() {
        let at = &database.location;
        let run = Store::migrate(at).unwrap();
        assert_eq!(Store::schema(at).unwrap(), Schema::Current);
        assert!(Store::migrate(at).unwrap().is_empty(), "nothing is run twice");
        let before = made(&database);
        for (undone, expected) in run.iter().rev().enumerate() {
            assert!(Store::revert(at).unwrap().starts_with(expected.as_str()), "{expected}");
            assert_eq!(Store::schema(at).unwrap(), Schema::Behind, "{undone}");
        }
        assert!(matches!(Store::revert(at), Err(Error::Unavailable(_))), "there is nothing left to undo");
        assert!(tables(&database).is_empty(), "{:?}", tables(&database));
        if database.backend == Backend::Postgres {
            let functions = "select count(*) from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = current_schema() and p.proname not like 'diesel%'";
            assert_eq!(database.number(functions), 0);
        }
        assert_eq!(Store::migrate(at).unwrap(), run);
        assert_eq!(made(&database), before);
    }
}
