//! What an administrator can ask.

mod backup;
mod client;

use std::path::PathBuf;
use std::str::FromStr;

use chrono_tz::Tz;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};

use super::Output;
use crate::domain::Instant;
use crate::domain::id::{AccountId, OrganisationId};
use crate::domain::mediator::Email;
use crate::domain::organisation::Siret;
use crate::domain::procedure::Procedure;
pub use backup::{Backup, Restore};
pub use client::{Changes, Client, Registration};

/// What an administrator manages.
#[derive(Debug, Subcommand)]
pub enum Admin {
    /// Accredited organisations
    #[command(subcommand)]
    Organisation(Organisation),
    /// People who act for citizens
    #[command(subcommand)]
    Mediator(Mediator),
    /// People who manage an organisation's mediators
    #[command(subcommand)]
    Manager(Manager),
    /// People who read and verify the journal
    #[command(subcommand)]
    Auditor(Auditor),
    /// People who decide about holds and erasures
    #[command(subcommand)]
    Officer(Officer),
    /// Services that sign citizens in through us: FranceConnect, or others
    #[command(subcommand)]
    Client(Client),
    /// The keys that sign our tokens
    #[command(subcommand)]
    Key(Key),
    /// Copy the data without the keys of persons, and the keys apart
    Backup(Backup),
    /// Bring the keys of persons together with restored data, and destroy again whoever was destroyed since
    Restore(Restore),
    /// The key that signs the journal
    #[command(subcommand)]
    Journal(JournalKey),
}

/// What can be done with the key that signs the journal.
#[derive(Debug, Subcommand)]
pub enum JournalKey {
    /// Make it in a new file, and print the public key that strangers check the journal with
    Key {
        /// The name of the journal, for ever: where it is published, without https://
        #[arg(long, value_name = "NAME")]
        origin: String,
        /// The file to make
        file: PathBuf,
    },
}

/// What can be done with organisations.
#[derive(Debug, Subcommand)]
pub enum Organisation {
    /// Accredit an organisation
    Create {
        /// Its name, as citizens read it on a mandate
        name: String,
        /// Its SIRET number, 14 digits
        #[arg(long)]
        siret: Siret,
        /// Its postal address, as citizens read it on a mandate
        #[arg(long, default_value = "", hide_default_value = true)]
        address: String,
        /// The time zone of its counters, whose civil time is on the screens
        #[arg(long, default_value = "Europe/Paris", value_parser = zone)]
        zone: String,
        /// A procedure that its mandates may name (repeat); by default all ten
        #[arg(long = "procedure", value_name = "KEY", value_parser = one_of::<Procedure>(Procedure::ALL.map(Procedure::key)))]
        procedures: Vec<Procedure>,
        /// How to answer.
        #[command(flatten)]
        output: Output,
    },
    /// List them, with their mediators counted
    List(Output),
    /// Stop all its mandates at once, in the middle of a use too; they end at their own time all the same
    Suspend {
        /// The organisation, org_…
        id: OrganisationId,
    },
    /// Let it work again, with the mandates that have not ended
    Resume {
        /// The organisation, org_…
        id: OrganisationId,
    },
}

/// What can be done with mediators.
#[derive(Debug, Subcommand)]
pub enum Mediator {
    /// Open an account; its first sign-in goes through a link sent to the address
    Create {
        /// Who, and where.
        #[command(flatten)]
        member: Member,
        /// The end of the certification, as 2027-11-22T00:00:00Z; by default it does not end
        #[arg(long, value_name = "INSTANT")]
        certified_until: Option<Instant>,
    },
    /// List them
    List {
        /// Of this organisation only, org_…
        #[arg(long, value_name = "ID")]
        organisation: Option<OrganisationId>,
        /// How to answer.
        #[command(flatten)]
        output: Output,
    },
    /// Close the account: its sessions and the uses in progress stop at once; mandates, which are the organisation's, go on
    Deactivate {
        /// The account, acc_…
        id: AccountId,
    },
    /// Release an authenticator that too many wrong codes locked
    Release {
        /// The account, acc_…
        #[arg(value_name = "ID")]
        id: AccountId,
    },
    /// Withdraw a lost authenticator: sessions stop, and the next sign-in enrols another. Check first who asks
    Reset {
        /// The account, acc_…
        #[arg(value_name = "ID")]
        id: AccountId,
    },
    /// Open the account again
    Reactivate {
        /// The account, acc_…
        id: AccountId,
    },
}

/// What can be done with managers.
#[derive(Debug, Subcommand)]
pub enum Manager {
    /// Open an account that manages the mediators of an organisation
    Create {
        /// Who, and where.
        #[command(flatten)]
        member: Member,
        /// They also act for citizens
        #[arg(long)]
        mediator: bool,
    },
}

/// What can be done with auditors.
#[derive(Debug, Subcommand)]
pub enum Auditor {
    /// Open an account that reads the journal and can do nothing else
    Create(Person),
}

/// What can be done with officers.
#[derive(Debug, Subcommand)]
pub enum Officer {
    /// Open an account that decides about holds and erasures; an erasure takes two
    Create(Person),
}

/// Someone of an organisation.
#[derive(Debug, Args)]
pub struct Member {
    /// The organisation, org_…
    #[arg(long, value_name = "ID")]
    pub organisation: OrganisationId,
    /// Who.
    #[command(flatten)]
    pub person: Person,
}

/// Someone who signs in.
#[derive(Debug, Args)]
pub struct Person {
    /// The mail address that receives the links to sign in
    #[arg(long, value_name = "ADDRESS")]
    pub email: Email,
    /// First and last name
    #[arg(long)]
    pub name: String,
    /// How to answer.
    #[command(flatten)]
    pub output: Output,
}

/// What can be done with the keys that sign our tokens.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Show the keys that are published: where each stands, from when it signs, and when it leaves
    Show(Output),
    /// Prepare new keys: published at once, they sign after a day, when everyone has read them
    Rotate {
        /// In an emergency: they sign after two minutes, when every node has read them, and two minutes later all others leave
        #[arg(long)]
        now: bool,
        /// How to answer.
        #[command(flatten)]
        output: Output,
    },
}

/// A closed list, shown in the help.
fn one_of<T>(codes: impl IntoIterator<Item = &'static str>) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(codes).try_map(|code| code.parse())
}

/// A name of the IANA time zone database.
fn zone(name: &str) -> Result<String, &'static str> {
    let known = name.parse::<Tz>();
    known.map(|zone| zone.name().to_owned()).map_err(|_| "not a time zone, such as Europe/Paris or Indian/Reunion")
}
