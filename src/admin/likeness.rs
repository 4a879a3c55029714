//! Warns whoever accredits of a name that is easily taken for another.

use std::fmt;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Desk, Failure};
use crate::domain::id::OrganisationId;
use crate::domain::likeness::{alike, mixes_scripts};
use crate::store::{Error, accounts, organisations};

/// Organisations read at once.
const PAGE: i64 = 1_000;

/// A warning that nobody can read is lost, and stops nothing: `eprintln!` would panic.
fn warn(warning: fmt::Arguments<'_>) {
    drop(writeln!(io::stderr(), "warning: {warning}"));
}

/// What a new name is easily taken for, as identifiers with names. Said on the error output too, for people.
fn found(name: &str, others: impl Iterator<Item = (String, String)>) -> Vec<Value> {
    if mixes_scripts(name) {
        // As Rust writes it: what cannot be seen is spelt out.
        warn(format_args!("{name:?} mixes the letters of several scripts"));
    }
    let resembling: Vec<_> = others.filter(|(_, other)| alike(name, other)).collect();
    for (id, other) in &resembling {
        warn(format_args!("{name:?} is easily taken for {other:?} ({id}); make sure who it is"));
    }
    resembling.into_iter().map(|(id, name)| json!({ "id": id, "name": name })).collect()
}

/// The organisations that a new name is easily taken for.
pub(super) async fn of_organisations(desk: &Desk, name: &str) -> Result<Vec<Value>, Failure> {
    let all = desk.store.read(|db| {
        let mut all = Vec::new();
        loop {
            let after = all.last().map(|(id, _): &(OrganisationId, String)| id.clone());
            let page = organisations::list(db, after.as_ref(), PAGE)?;
            if page.is_empty() {
                return Ok::<_, Error>(all);
            }
            all.extend(page.into_iter().map(|one| (one.id, one.name)));
        }
    });
    Ok(found(name, all.await?.into_iter().map(|(id, name)| (id.to_string(), name))))
}

/// The members of an organisation, this address apart, that a new name is easily taken for.
pub(super) async fn of_members(
    desk: &Desk,
    organisation: OrganisationId,
    name: &str,
    email: &str,
) -> Result<Vec<Value>, Failure> {
    let members = desk.store.read(move |db| accounts::of_organisation(db, &organisation, PAGE)).await?;
    let others = members.into_iter().filter(|one| one.email.as_str() != email);
    Ok(found(name, others.map(|one| (one.id.to_string(), one.name))))
}
