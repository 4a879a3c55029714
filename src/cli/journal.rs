//! `journal`: what auditors read, at the command line.

use clap::{Args, Subcommand};

use super::Output;
use super::evidence::Evidence;
use crate::domain::Instant;
use crate::domain::event::Kind;
use crate::domain::id::{AccountId, CitizenId, EntryId, MandateId, OrganisationId};
use crate::domain::inquiry::Ground;
use crate::domain::procedure::Procedure;

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
    /// Go on after this entry, ent_…
    #[arg(long, value_name = "ENTRY")]
    pub after: Option<EntryId>,
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
