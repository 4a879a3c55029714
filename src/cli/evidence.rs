//! The journal as evidence: what can be asked.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Output, Purpose};
use crate::domain::id::EntryId;

/// What can be done with the journal as evidence.
#[derive(Debug, Subcommand)]
pub enum Evidence {
    /// Verify the journal: of the database, of a copy, or where it is published. Exit code 3: it is damaged
    Verify(Verify),
    /// Write the proof that an entry is in the journal, for whoever asks
    Prove(Prove),
    /// Check a proof, or a list with its proofs, with the public key alone. Exit code 3: it does not hold
    Check(Check),
    /// Copy the journal into a folder, or continue a copy
    Export(Export),
    /// Write the timestamps of an authority, each beside the checkpoint that it is of, for `openssl ts -verify`
    Timestamps(Timestamps),
}

/// Whom to believe.
#[derive(Debug, Args)]
pub struct Believed {
    /// The public key of the journal, name+id+base64, as `admin journal key` printed it; several, if it was begun anew
    #[arg(long, value_name = "KEY")]
    pub key: Vec<String>,
    /// The public key of a witness, whose signatures then count
    #[arg(long, value_name = "KEY")]
    pub witness: Vec<String>,
}

/// What to verify.
#[derive(Debug, Args)]
pub struct Verify {
    /// A folder that `journal export` made, or the address under which a journal is published, as <https://example.fr/log>; without it, the
    /// database of the configuration
    pub place: Option<String>,
    /// Whom to believe.
    #[command(flatten)]
    pub believed: Believed,
    /// A file with a checkpoint that you kept: the journal must still contain it
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Vec<PathBuf>,
    /// How to answer.
    #[command(flatten)]
    pub output: Output,
}

/// Which entry.
#[derive(Debug, Args)]
pub struct Prove {
    /// The entry, ent_…
    pub entry: EntryId,
    /// The file to write; by default, standard output
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
    /// Prefer the last checkpoint that so many witnesses cosigned; by default, `journal.witnesses_needed` of them
    #[arg(long, value_name = "N")]
    pub witnesses: Option<usize>,
    /// Why.
    #[command(flatten)]
    pub purpose: Purpose,
}

/// Which proof.
#[derive(Debug, Args)]
pub struct Check {
    /// A file that `journal prove` wrote, or a list: an auditor's export, or what `journal list --proofs` answered
    pub file: PathBuf,
    /// Whom to believe.
    #[command(flatten)]
    pub believed: Believed,
    /// How many of the witnesses given must have cosigned; by default one, if one is given
    #[arg(long, value_name = "N")]
    pub needed: Option<usize>,
    /// How to answer.
    #[command(flatten)]
    pub output: Output,
}

/// Where to.
#[derive(Debug, Args)]
pub struct Export {
    /// The folder; what is there already is not copied again
    pub folder: PathBuf,
    /// With the sealed parts, as they are: they can be held against the entries, and not be read
    #[arg(long)]
    pub sealed: bool,
    /// With the sealed parts, opened: this names people
    #[arg(long, conflicts_with = "sealed")]
    pub opened: bool,
    /// Why.
    #[command(flatten)]
    pub purpose: Purpose,
}

/// Where to.
#[derive(Debug, Args)]
pub struct Timestamps {
    /// The folder, which must be there
    pub folder: PathBuf,
    /// Why.
    #[command(flatten)]
    pub purpose: Purpose,
}

#[cfg(test)]
mod tests {
    use super::super::tests::parsed;
    use super::super::{Command, Journal};
    use super::*;

    #[test]
    fn the_journal_is_verified_wherever_it_is() {
        let Ok(Command::Journal(Journal::Evidence(Evidence::Verify(asked)))) = parsed("journal verify") else {
            panic!()
        };
        assert!(asked.place.is_none() && asked.believed.key.is_empty());
        let line = "journal verify https://example.fr/log --key a --key b --checkpoint kept --witness w --json";
        let Ok(Command::Journal(Journal::Evidence(Evidence::Verify(asked)))) = parsed(line) else { panic!() };
        assert_eq!((asked.believed.key.len(), asked.believed.witness.len(), asked.checkpoint.len()), (2, 1, 1));
        assert!(asked.output.json && asked.place.is_some());
        assert!(parsed("journal export --sealed --opened folder --purpose incident").is_err());
        assert!(parsed("journal prove org_1 --purpose incident").is_err());
        for reading in ["export folder", "timestamps folder", "prove ent_01M818EX8Z5A8G1B3X7P9Q2W4F"] {
            assert!(parsed(&format!("journal {reading}")).is_err(), "{reading}: a purpose is asked for");
            assert!(parsed(&format!("journal {reading} --purpose incident")).is_ok(), "{reading}");
        }
        let Ok(Command::Journal(Journal::Evidence(Evidence::Check(asked)))) =
            parsed("journal check p --key k --witness w --needed 2")
        else {
            panic!()
        };
        assert_eq!((asked.needed, asked.believed.witness.len()), (Some(2), 1));
        assert!(parsed("journal timestamps --purpose incident").is_err());
        assert!(parsed("witness serve").is_ok() && parsed("witness key file").is_err());
    }
}
