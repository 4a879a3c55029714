//! Everything a database holds, to say that nothing changed.

use std::collections::BTreeMap;

use super::Backend;
use super::database::Database;

const SQLITE_TABLES: &str = "select name as value from sqlite_master where type = 'table' and name not like 'sqlite_%' \
                             order by name";
const POSTGRES_TABLES: &str = "select table_name::text as value from information_schema.tables \
                               where table_schema = current_schema() order by table_name";

impl Database {
    /// Every row of every table, except the journal's.
    pub(crate) fn contents(&self) -> BTreeMap<String, Vec<String>> {
        let tables = match self.backend {
            Backend::Sqlite => self.texts(SQLITE_TABLES),
            Backend::Postgres => self.texts(POSTGRES_TABLES),
        };
        let tables = tables.into_iter().filter(|table| !table.starts_with("journal"));
        tables.map(|table| (table.clone(), self.rows_of(&table))).collect()
    }

    fn rows_of(&self, table: &str) -> Vec<String> {
        if self.backend == Backend::Postgres {
            return self.texts(&format!("select t::text as value from \"{table}\" t order by 1"));
        }
        let columns = self.texts(&format!("select name as value from pragma_table_info('{table}')"));
        let quoted: Vec<_> = columns.iter().map(|column| format!("quote(\"{column}\")")).collect();
        self.texts(&format!("select {} as value from \"{table}\" order by 1", quoted.join(" || ',' || ")))
    }
}
