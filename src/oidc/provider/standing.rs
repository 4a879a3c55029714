//! Whether a use in progress still stands: mandate, mediator, organisation and session, as they are now.

use super::error::Stopped;
use crate::domain::Instant;
use crate::domain::mandate::exercise::Pass;
use crate::domain::mediator::{Mediator, Member};
use crate::domain::refusal::Refusal;
use crate::store::standing::InProgress;
use crate::store::{Tx, mandates};

/// A new pass for a use in progress, from what is true now: its authorisation stays open until the transaction ends.
pub(super) fn pass(tx: &mut Tx<'_>, found: &InProgress, now: Instant) -> Result<Pass, Stopped> {
    let pass = look(found, now)?;
    mandates::demand_open(tx, pass.authorisation());
    Ok(pass)
}

/// The same, only looked at: nothing may be given for it.
pub(super) fn look(found: &InProgress, now: Instant) -> Result<Pass, Refusal> {
    let membership = found.membership.clone().ok_or(Refusal::NotAMember)?;
    let InProgress { grant, account, organisation, .. } = found;
    let member = Member::new(account.clone(), membership, organisation.clone(), grant.session.clone())?;
    let mediator = Mediator::new(member, now)?;
    if !found.session_open {
        return Err(Refusal::SessionEnded);
    }
    // Whoever is answered at an address that is registered no longer may be somebody else.
    if !found.client.redirect_uris.contains(&grant.redirect_uri) {
        return Err(Refusal::RedirectDiffers);
    }
    found.mandate.exercise(&mediator, grant.procedure, found.client.serves().as_ref(), now)
}
