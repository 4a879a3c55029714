//! The command line: what can be asked of the program, and how it is explained. Nothing is done here.

pub mod admin;
pub mod evidence;
mod retention;
mod witness;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use self::admin::Admin;
use self::evidence::Evidence;
pub use self::retention::Retention;
pub use self::witness::Witness;
use crate::domain::Instant;
use crate::domain::event::Kind;
use crate::domain::id::{AccountId, CitizenId, EntryId, MandateId, OrganisationId};
use crate::domain::inquiry::Ground;
use crate::domain::procedure::Procedure;

/// Lets a trained mediator act for a citizen online, under a mandate, without ever knowing the citizen's password.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    /// The configuration file (TOML). Without it, everything comes from variables named MANDATAIRE_…
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the service
    Serve,
    /// Try the service on this machine: pretend people, a pretend FranceConnect, nothing sent, nothing kept
    Demo(Demo),
    /// Bring the database to this version of the program
    Migrate(Migrate),
    /// Explain everything in the configuration that would be refused, and change nothing
    CheckConfig,
    /// Organisations, accounts, public services and keys
    #[command(subcommand)]
    Admin(Admin),
    /// Read the journal
    #[command(subcommand)]
    Journal(Journal),
    /// How long what is known about people is kept
    #[command(subcommand)]
    Retention(Retention),
    /// Vouch for the journal of somebody else: needs nothing of the service, and a configuration of its own
    #[command(subcommand)]
    Witness(Witness),
}

/// Options of the demonstration.
#[derive(Debug, Args)]
pub struct Demo {
    /// Go through a whole story by itself (a mandate opened, used, revoked), say each step, and stop
    #[arg(long)]
    pub walk: bool,
    /// Say the steps of the walk in JSON, one per line
    #[arg(long, requires = "walk")]
    pub json: bool,
    /// The port on this machine; by default any free one
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
}

/// Options of a migration.
#[derive(Debug, Args)]
pub struct Migrate {
    /// Undo the last migration instead; what only it could hold is lost
    #[arg(long)]
    pub down: bool,
    /// And insist on the roles of PostgreSQL for whoever serves, signs and audits: without it they are made if this login may
    #[arg(long, conflicts_with = "down")]
    pub roles: bool,
    /// Print the statements that make the roles, for whoever may run them, and do nothing
    #[arg(long, conflicts_with_all = ["down", "roles"])]
    pub print_roles: bool,
}

/// How to answer.
#[derive(Debug, Clone, Copy, Args)]
pub struct Output {
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

/// What can be read of the journal.
#[derive(Debug, Subcommand)]
pub enum Journal {
    /// List entries, oldest first
    List(Entries),
    /// Tell the story of one mandate, from the agreement to the last outcome
    Mandate(Story),
    /// Count what somebody, an organisation, a service or a procedure did, by day
    Activity(Activity),
    /// List what asked for an explanation and came before the auditors; or look again at a day that is over
    Signals(Signals),
    /// List what auditors concluded
    Findings(Listing),
    /// List who asked for the identity behind a pseudonym, on what ground, and what was decided
    Inquiries(Listing),
    /// Verify, prove, check and copy.
    #[command(flatten)]
    Evidence(Evidence),
}

/// Why the journal is read: it is recorded with every reading.
#[derive(Debug, Clone, Copy, Args)]
pub struct Purpose {
    /// Why: complaint, inspection, incident, authority or person
    #[arg(long, value_name = "GROUND", value_parser = ground)]
    pub purpose: Ground,
}

/// Which mandate.
#[derive(Debug, Args)]
pub struct Story {
    /// The mandate, mdt_…
    pub id: MandateId,
    /// Why.
    #[command(flatten)]
    pub purpose: Purpose,
    /// How to answer.
    #[command(flatten)]
    pub output: Output,
}

/// Whose activity, and when.
#[derive(Debug, Args)]
pub struct Activity {
    /// Whose: an identifier (cit_…, acc_…, org_…), the key of a procedure, or a client; everything if left out
    #[arg(value_parser = word)]
    pub of: Option<String>,
    /// The first day, as 2026-11-01; by default the last thirty
    #[arg(long, value_name = "DAY")]
    pub from: Option<chrono::NaiveDate>,
    /// The last day, included
    #[arg(long, value_name = "DAY")]
    pub to: Option<chrono::NaiveDate>,
    /// Why.
    #[command(flatten)]
    pub purpose: Purpose,
    /// How to answer.
    #[command(flatten)]
    pub output: Output,
}

/// Which signals.
#[derive(Debug, Args)]
pub struct Signals {
    /// Look again at this day instead, as 2026-11-21; it must be over
    #[arg(long, value_name = "DAY", conflicts_with_all = ["limit", "json"])]
    pub day: Option<chrono::NaiveDate>,
    /// Which of them.
    #[command(flatten)]
    pub listing: Listing,
}

/// How much of a list, the newest first.
#[derive(Debug, Args)]
pub struct Listing {
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub limit: u32,
    /// Why.
    #[command(flatten)]
    pub purpose: Purpose,
    /// How to answer.
    #[command(flatten)]
    pub output: Output,
}

/// Which entries.
#[derive(Debug, Args)]
pub struct Entries {
    /// Not before this instant, as 2026-11-22T08:00:00Z
    #[arg(long, value_name = "INSTANT")]
    pub from: Option<Instant>,
    /// Before this instant
    #[arg(long, value_name = "INSTANT")]
    pub to: Option<Instant>,
    /// Of this kind only; any other word is answered with the list of kinds
    #[arg(long, value_parser = kind)]
    pub kind: Option<Kind>,
    /// Of this organisation only, org_…
    #[arg(long, value_name = "ID")]
    pub organisation: Option<OrganisationId>,
    /// Of this mediator only, acc_…
    #[arg(long, value_name = "ID")]
    pub mediator: Option<AccountId>,
    /// Of this mandate only, mdt_…
    #[arg(long, value_name = "ID")]
    pub mandate: Option<MandateId>,
    /// About this person only, cit_…
    #[arg(long, value_name = "ID")]
    pub citizen: Option<CitizenId>,
    /// At this service only, its client identifier
    #[arg(long, value_name = "ID", value_parser = word)]
    pub service: Option<String>,
    /// For this procedure only, its key
    #[arg(long, value_name = "KEY")]
    pub procedure: Option<Procedure>,
    /// Why.
    #[command(flatten)]
    pub purpose: Purpose,
    /// Answer in CSV, with the position and the leaf hash of each entry
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Answer in JSON lines, each with the proof that its entry is in the journal: a file for `journal check`
    #[arg(long, conflicts_with_all = ["json", "csv"])]
    pub proofs: bool,
    /// After this entry, ent_…
    #[arg(long, value_name = "ID")]
    pub after: Option<EntryId>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// How to answer.
    #[command(flatten)]
    pub output: Output,
}

fn ground(code: &str) -> Result<Ground, String> {
    let codes = || Ground::ALL.map(Ground::code).join(", ");
    code.parse().map_err(|_| format!("the purposes are {}", codes()))
}

/// What is written into the journal as it was typed names something: it is no text about a person.
fn word(text: &str) -> Result<String, String> {
    let fits = (1..=80).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.:/=".contains(&byte));
    if fits { Ok(text.to_owned()) } else { Err("this is the identifier of nothing".to_owned()) }
}

fn kind(code: &str) -> Result<Kind, String> {
    let codes = || Kind::ALL.iter().map(|kind| kind.code()).collect::<Vec<_>>().join(", ");
    Kind::from_code(code).ok_or_else(|| format!("the kinds are {}", codes()))
}

#[cfg(test)]
pub(super) mod tests {
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    use super::*;

    /// The command of a line, or why there is none.
    pub(super) fn parsed(line: &str) -> Result<Command, ErrorKind> {
        let words = std::iter::once("mandataire").chain(line.split_whitespace());
        Cli::try_parse_from(words).map(|cli| cli.command).map_err(|error| error.kind())
    }

    #[test]
    fn the_definition_is_sound_and_everything_is_explained() {
        fn explained(command: &clap::Command) {
            let name = command.get_name();
            assert!(command.get_about().is_some(), "{name}");
            assert!(command.get_arguments().all(|argument| argument.get_help().is_some()), "{name}");
            command.get_subcommands().for_each(explained);
        }
        Cli::command().debug_assert();
        explained(&Cli::command());
    }

    #[test]
    fn the_configuration_may_be_named_anywhere() {
        for line in ["mandataire --config a.toml serve", "mandataire serve --config a.toml"] {
            assert_eq!(Cli::try_parse_from(line.split(' ')).unwrap().config, Some(PathBuf::from("a.toml")));
        }
        assert_eq!(parsed("").unwrap_err(), ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand);
    }

    #[test]
    fn what_cannot_be_right_is_refused() {
        for (line, kind) in [
            ("admin organisation suspend 12", ErrorKind::ValueValidation),
            ("admin organisation create n --siret 73282932000075", ErrorKind::ValueValidation),
            ("admin organisation create n --siret 73282932000074 --procedure all", ErrorKind::InvalidValue),
            ("admin organisation create n --siret 73282932000074 --zone Mars", ErrorKind::ValueValidation),
            ("admin auditor create --email nobody --name n", ErrorKind::ValueValidation),
            ("journal list", ErrorKind::MissingRequiredArgument),
            ("journal list --purpose curiosity", ErrorKind::ValueValidation),
            ("journal list --purpose incident --kind unknown", ErrorKind::ValueValidation),
            ("journal list --purpose incident --from yesterday", ErrorKind::ValueValidation),
            ("journal list --purpose incident --service Joséphine", ErrorKind::ValueValidation),
            ("journal activity --purpose incident é", ErrorKind::ValueValidation),
            ("demo --json", ErrorKind::MissingRequiredArgument),
        ] {
            assert_eq!(parsed(line).unwrap_err(), kind, "{line}");
        }
    }
}
