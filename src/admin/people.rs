//! Organisations and the people who sign in.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Desk, Failure, likeness, output};
use crate::cli::admin::{Auditor, Manager, Mediator, Officer, Organisation as OrganisationCommand, Person};
use crate::domain::id::{AccountId, OrganisationId};
use crate::domain::mediator::{Account, Membership};
use crate::domain::organisation::Organisation;
use crate::domain::procedure::Procedure;
use crate::store::{accounts, authenticators, organisations, sessions};

/// Lines of a list.
const LIST: i64 = 1_000;

pub(super) async fn organisation(desk: &Desk, command: OrganisationCommand) -> Result<(), Failure> {
    let now = desk.clock.now();
    match command {
        OrganisationCommand::Create { name, siret, address, zone, procedures, output } => {
            let id = OrganisationId::new(now, desk.random.u128());
            let chosen: BTreeSet<_> =
                if procedures.is_empty() { Procedure::ALL.into() } else { procedures.into_iter().collect() };
            let resembling = likeness::of_organisations(desk, &name).await?;
            let new = Organisation { id, name, siret, address, zone, procedures: chosen, suspended_at: None };
            let made = desk.store.write(move |tx| organisations::create(tx, new.create(now), now)).await?;
            output::one(output.json, &with(json!({ "id": made.id.as_str(), "name": made.name }), resembling));
        }
        OrganisationCommand::List(options) => {
            let all = desk.store.read(|db| organisations::list(db, None, LIST)).await?;
            let rows: Vec<_> = all
                .iter()
                .map(|one| json!({ "id": one.id.as_str(), "siret": one.siret.to_string(), "name": one.name, "suspended": one.suspended_at.is_some() }))
                .collect();
            output::many(options.json, &rows, "no organisation yet: `mandataire admin organisation create`");
        }
        OrganisationCommand::Suspend { id } => change(desk, id, move |one| one.suspend(None, now)).await?,
        OrganisationCommand::Resume { id } => change(desk, id, move |one| one.resume(None, now)).await?,
    }
    Ok(())
}

/// What was made, and whom its name is easily taken for, if anybody.
fn with(mut made: Value, resembling: Vec<Value>) -> Value {
    if let (false, Value::Object(members)) = (resembling.is_empty(), &mut made) {
        members.insert("resembles".to_owned(), Value::Array(resembling));
    }
    made
}

async fn change(
    desk: &Desk,
    id: OrganisationId,
    act: impl FnOnce(Organisation) -> crate::domain::event::Journalled<Organisation> + Send + 'static,
) -> Result<(), Failure> {
    let changed = desk
        .store
        .write(move |tx| {
            let organisation = organisations::find(tx, &id)?;
            organisations::save(tx, act(organisation))
        })
        .await?;
    output::one(false, &json!({ "id": changed.id.as_str(), "suspended": changed.suspended_at.is_some() }));
    Ok(())
}

/// What somebody is beside their organisations.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    None,
    Auditor,
    Officer,
}

/// Opens an account, or gives a known address another role.
async fn open(desk: &Desk, person: Person, membership: Option<Membership>, role: Role) -> Result<(), Failure> {
    let name = person.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > 256 || name.chars().any(char::is_control) {
        return Err(Failure::Said("--name: write a name of 1 to 256 characters".to_owned()));
    }
    let (now, id) = (desk.clock.now(), AccountId::new(desk.clock.now(), desk.random.u128()));
    let email = person.email;
    let resembling = match &membership {
        Some(one) => likeness::of_members(desk, one.organisation.clone(), &name, email.as_str()).await?,
        None => Vec::new(),
    };
    let made = desk
        .store
        .write(move |tx| {
            if let Some(membership) = &membership {
                organisations::find(tx, &membership.organisation)?;
            }
            let (auditor, officer) = (role == Role::Auditor, role == Role::Officer);
            let account = match accounts::by_email(tx, &email)? {
                Some(known) => {
                    Account { auditor: known.auditor || auditor, officer: known.officer || officer, ..known }
                }
                None => Account { id, email, name, auditor, officer, active: true, terms: None },
            };
            accounts::create(tx, account, membership.as_ref(), now)
        })
        .await?;
    let told = json!({ "id": made.id.as_str(), "email": made.email.as_str() });
    output::one(person.output.json, &with(told, resembling));
    Ok(())
}

pub(super) async fn mediator(desk: &Desk, command: Mediator) -> Result<(), Failure> {
    match command {
        Mediator::Create { member, certified_until } => {
            let role =
                Membership { organisation: member.organisation, mediator: true, manager: false, certified_until };
            open(desk, member.person, Some(role), Role::None).await
        }
        Mediator::List { organisation, output } => {
            let all = desk
                .store
                .read(move |db| match organisation {
                    Some(id) => accounts::of_organisation(db, &id, LIST),
                    None => accounts::list(db, None, LIST),
                })
                .await?;
            let rows: Vec<_> = all
                .iter()
                .map(|one| json!({ "id": one.id.as_str(), "email": one.email.as_str(), "name": one.name, "active": one.active, "auditor": one.auditor }))
                .collect();
            output::many(output.json, &rows, "no account yet: `mandataire admin mediator create`");
            Ok(())
        }
        Mediator::Deactivate { id } => deactivate(desk, id).await,
        Mediator::Reactivate { id } => {
            let now = desk.clock.now();
            let reactivated = desk.store.write(move |tx| {
                let account = accounts::find(tx, &id)?;
                accounts::save(tx, account.reactivate(now))
            });
            said(&reactivated.await?);
            Ok(())
        }
        Mediator::Release { id } => release(desk, id).await,
        Mediator::Reset { id } => reset(desk, id).await,
    }
}

fn said(account: &Account) {
    output::one(false, &json!({ "id": account.id.as_str(), "active": account.active }));
}

async fn deactivate(desk: &Desk, id: AccountId) -> Result<(), Failure> {
    let now = desk.clock.now();
    let done = desk.store.write(move |tx| {
        let account = accounts::find(tx, &id)?;
        sessions::end_all(tx, &id, now)?;
        accounts::save(tx, account.deactivate(now))
    });
    said(&done.await?);
    Ok(())
}

async fn release(desk: &Desk, id: AccountId) -> Result<(), Failure> {
    let now = desk.clock.now();
    let found = desk
        .store
        .write(move |tx| match authenticators::confirmed_locked(tx, &id)? {
            Some((device, _)) => authenticators::save(tx, device.release(now)).map(|_| true),
            None => Ok::<_, crate::store::Error>(false),
        })
        .await?;
    said_of_device(found)
}

async fn reset(desk: &Desk, id: AccountId) -> Result<(), Failure> {
    let now = desk.clock.now();
    let found = desk
        .store
        .write(move |tx| match authenticators::confirmed_locked(tx, &id)? {
            Some((device, _)) => {
                sessions::end_all(tx, &id, now)?;
                authenticators::remove(tx, device.withdraw(now)).map(|()| true)
            }
            None => Ok::<_, crate::store::Error>(false),
        })
        .await?;
    said_of_device(found)
}

fn said_of_device(found: bool) -> Result<(), Failure> {
    if found { Ok(()) } else { Err(Failure::Said("this account has no authenticator".to_owned())) }
}

pub(super) async fn manager(desk: &Desk, command: Manager) -> Result<(), Failure> {
    let Manager::Create { member, mediator } = command;
    let role = Membership { organisation: member.organisation, mediator, manager: true, certified_until: None };
    open(desk, member.person, Some(role), Role::None).await
}

pub(super) async fn auditor(desk: &Desk, command: Auditor) -> Result<(), Failure> {
    let Auditor::Create(person) = command;
    open(desk, person, None, Role::Auditor).await
}

pub(super) async fn officer(desk: &Desk, command: Officer) -> Result<(), Failure> {
    let Officer::Create(person) = command;
    open(desk, person, None, Role::Officer).await
}
