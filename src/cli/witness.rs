//! What can be asked of a witness.

use std::path::PathBuf;

use clap::Subcommand;

/// What a witness can be asked.
#[derive(Debug, Subcommand)]
pub enum Witness {
    /// Make its key in a new file, and print the public key for those who ask it to cosign
    Key {
        /// The name of the witness, for ever: where it is reached, without https://
        #[arg(long)]
        name: String,
        /// The file to make
        file: PathBuf,
    },
    /// Cosign the checkpoints of the logs that --config FILE names
    Serve,
}
