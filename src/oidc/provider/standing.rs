//! Whether a use in progress still stands: mandate, mediator, organisation and session, all read again.

use super::error::Stopped;
use crate::domain::Instant;
use crate::domain::grant::Grant;
use crate::domain::mandate::exercise::Pass;
use crate::domain::mediator::{Mediator, Member};
use crate::domain::organisation::Organisation;
use crate::domain::refusal::Refusal;
use crate::store::{Error, Tx, accounts, mandates, sessions};

/// A new pass for the grant, from what is true now.
pub(super) fn pass(tx: &mut Tx<'_>, grant: &Grant, now: Instant) -> Result<(Pass, Organisation), Stopped> {
    let account = accounts::find(tx, &grant.account)?;
    let (membership, organisation) = match accounts::membership(tx, &grant.account, &grant.organisation) {
        Ok(found) => found,
        Err(Error::NotFound) => return Err(Refusal::NotAMember.into()),
        Err(error) => return Err(error.into()),
    };
    let member = Member::new(account, membership, organisation.clone(), grant.session.clone())?;
    let mediator = Mediator::new(member, now)?;
    if !sessions::is_open(tx, &grant.session, now)? {
        return Err(Refusal::SessionEnded.into());
    }
    let mandate = mandates::held_by_locked(tx, &grant.organisation, &grant.mandate)?;
    Ok((mandate.exercise(&mediator, grant.procedure, None, now)?, organisation))
}
