//! Backups, as an administrator makes them.

use std::path::PathBuf;

use clap::Args;

use super::super::Output;

/// A backup of data, and of keys.
#[derive(Debug, Args)]
pub struct Backup {
    /// The file of the data, without the keys of persons (SQLite only; on PostgreSQL, `pg_dump`)
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// The file of the keys of persons, replaced by the present ones; keep only the newest, apart from the data
    #[arg(long, value_name = "FILE")]
    pub keys: PathBuf,
    /// How to answer.
    #[command(flatten)]
    pub output: Output,
}

/// Bringing keys together with restored data.
#[derive(Debug, Args)]
pub struct Restore {
    /// The newest file of keys
    #[arg(long, value_name = "FILE")]
    pub keys: PathBuf,
    /// How to answer.
    #[command(flatten)]
    pub output: Output,
}
