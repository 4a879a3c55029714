//! Whether a use in progress still stands: mandate, mediator, organisation and session, all read again.

use super::error::Stopped;
use crate::domain::Instant;
use crate::domain::client::Client;
use crate::domain::grant::Grant;
use crate::domain::mandate::exercise::Pass;
use crate::domain::mediator::{Mediator, Member};
use crate::domain::organisation::Organisation;
use crate::domain::refusal::Refusal;
use crate::store::{Db, Error, Tx, accounts, mandates, sessions};

/// A new pass for the grant, from what is true now, alone with its mandate until the transaction ends.
pub(super) fn pass(
    tx: &mut Tx<'_>,
    grant: &Grant,
    client: &Client,
    now: Instant,
) -> Result<(Pass, Organisation), Stopped> {
    let (mediator, organisation) = mediator(tx, grant, now)?;
    let mandate = mandates::held_by_locked(tx, &grant.organisation, &grant.mandate)?;
    Ok((mandate.exercise(&mediator, grant.procedure, client.procedures.as_ref(), now)?, organisation))
}

/// The same, only looked at: nothing may be given for it.
pub(super) fn look(db: &mut Db<'_>, grant: &Grant, client: &Client, now: Instant) -> Result<Pass, Stopped> {
    let (mediator, _) = mediator(db, grant, now)?;
    let mandate = mandates::held_by(db, &grant.organisation, &grant.mandate)?;
    Ok(mandate.exercise(&mediator, grant.procedure, client.procedures.as_ref(), now)?)
}

fn mediator(db: &mut Db<'_>, grant: &Grant, now: Instant) -> Result<(Mediator, Organisation), Stopped> {
    let account = accounts::find(db, &grant.account)?;
    let (membership, organisation) = match accounts::membership(db, &grant.account, &grant.organisation) {
        Ok(found) => found,
        Err(Error::NotFound) => return Err(Refusal::NotAMember.into()),
        Err(error) => return Err(error.into()),
    };
    let member = Member::new(account, membership, organisation.clone(), grant.session.clone())?;
    let mediator = Mediator::new(member, now)?;
    if !sessions::is_open(db, &grant.session, now)? {
        return Err(Refusal::SessionEnded.into());
    }
    Ok((mediator, organisation))
}
