//! What can be asked about the retention.

use clap::Subcommand;

use super::Output;

/// What can be done with the retention.
#[derive(Debug, Subcommand)]
pub enum Retention {
    /// Archive, destroy and purge what the periods of the configuration ask for; a running service does so every night
    Run {
        /// Say what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,
        /// How to answer.
        #[command(flatten)]
        output: Output,
    },
}
