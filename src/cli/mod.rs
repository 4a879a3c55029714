//! The command line: what can be asked of the program, and how it is explained. Nothing is done here.

pub mod admin;
pub mod evidence;
mod journal;
mod retention;
mod witness;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use self::admin::Admin;
pub use self::journal::{Activity, Entries, Journal, Listing, Purpose, Signals, Story};
pub use self::retention::Retention;
pub use self::witness::Witness;

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
