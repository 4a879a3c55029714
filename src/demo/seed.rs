//! The people and places of the demonstration. Their authenticators are enrolled, and a page shows the codes.

use std::collections::BTreeSet;

use crate::clock::Random;
use crate::credential;
use crate::domain::Instant;
use crate::domain::authenticator::Authenticator;
use crate::domain::client::{Client, SigningAlgorithm};
use crate::domain::id::{AccountId, AuthenticatorId, OrganisationId};
use crate::domain::mediator::{Account, Membership};
use crate::domain::organisation::Organisation;
use crate::domain::procedure::Procedure;
use crate::store::{Error, Store, Tx, accounts, authenticators, clients, organisations};

/// A person of the demonstration.
pub struct Person {
    /// Name.
    pub name: &'static str,
    /// E-mail address.
    pub email: &'static str,
    /// Works in these organisations, by their place in [`ORGANISATIONS`].
    organisations: &'static [usize],
    mediator: bool,
    manager: bool,
    /// Reads the journal.
    pub auditor: bool,
}

/// An organisation of the demonstration.
pub struct Place {
    /// Name.
    pub name: &'static str,
    siret: &'static str,
    address: &'static str,
    zone: &'static str,
}

/// The organisations.
pub const ORGANISATIONS: [Place; 2] = [
    Place {
        name: "Maison France services de Houdan",
        siret: "73282932000074",
        address: "12 Grande Rue, 78550 Houdan",
        zone: "Europe/Paris",
    },
    Place {
        name: "Centre communal d’action sociale de Saint-Benoît",
        siret: "40483304800022",
        address: "4 rue Georges-Pompidou, 97470 Saint-Benoît",
        zone: "Indian/Reunion",
    },
];

/// The people, the mediator of the walk first and the auditor of the walk last.
pub const PEOPLE: [Person; 4] = [
    Person {
        name: "Ana Silva",
        email: "ana.silva@houdan.example.fr",
        organisations: &[0],
        mediator: true,
        manager: false,
        auditor: false,
    },
    Person {
        name: "Bruno Hoarau",
        email: "bruno.hoarau@saint-benoit.example.fr",
        organisations: &[0, 1],
        mediator: true,
        manager: false,
        auditor: false,
    },
    Person {
        name: "Claire Petit",
        email: "claire.petit@houdan.example.fr",
        organisations: &[0],
        mediator: false,
        manager: true,
        auditor: false,
    },
    Person {
        name: "Denis Roux",
        email: "denis.roux@audit.example.fr",
        organisations: &[],
        mediator: false,
        manager: false,
        auditor: true,
    },
];

impl Person {
    /// What they may do, in words.
    #[must_use]
    pub const fn role(&self) -> &'static str {
        match (self.mediator, self.manager, self.auditor) {
            (true, ..) => "aidant",
            (_, true, _) => "référent",
            _ => "auditeur",
        }
    }

    /// The names of their organisations.
    #[must_use]
    pub fn places(&self) -> String {
        let names = self.organisations.iter().filter_map(|at| ORGANISATIONS.get(*at)).map(|place| place.name);
        names.collect::<Vec<_>>().join(", ")
    }
}

/// The registration of the pretend FranceConnect at our provider.
pub struct FranceConnect {
    /// Its `client_id`.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// Where it is answered.
    pub redirect_uri: String,
    /// Where it goes after signing out.
    pub logout_uri: String,
}

/// Writes everything, in one transaction.
///
/// # Errors
/// The database.
pub async fn seed(store: &Store, client: FranceConnect, random: Random, now: Instant) -> Result<(), Error> {
    store
        .write(move |tx| {
            let mut ids = Vec::new();
            for place in &ORGANISATIONS {
                ids.push(organisation(tx, place, &random, now)?);
            }
            for person in &PEOPLE {
                enrolled(tx, person, &ids, &random, now)?;
            }
            let registered = Client {
                logout_uris: vec![client.logout_uri],
                algorithm: SigningAlgorithm::Hs256,
                franceconnect: true,
                ..Client::usual(client.id, "FranceConnect (démonstration)".to_owned(), vec![client.redirect_uri])
            };
            clients::register(tx, registered.register(now), &client.secret, now).map(drop)
        })
        .await
}

fn organisation(tx: &mut Tx<'_>, place: &Place, random: &Random, now: Instant) -> Result<OrganisationId, Error> {
    let id = OrganisationId::new(now, random.u128());
    let organisation = Organisation {
        id: id.clone(),
        name: place.name.to_owned(),
        siret: place.siret.parse().map_err(|_| Error::Corrupt("the SIRET of the demonstration"))?,
        address: place.address.to_owned(),
        zone: place.zone.to_owned(),
        procedures: BTreeSet::from(Procedure::ALL),
        suspended_at: None,
    };
    organisations::create(tx, organisation.create(now), now)?;
    Ok(id)
}

fn enrolled(
    tx: &mut Tx<'_>,
    person: &Person,
    places: &[OrganisationId],
    random: &Random,
    now: Instant,
) -> Result<(), Error> {
    let account = Account {
        id: AccountId::new(now, random.u128()),
        email: person.email.parse().map_err(|_| Error::Corrupt("an address of the demonstration"))?,
        name: person.name.to_owned(),
        auditor: person.auditor,
        officer: false,
        active: true,
        terms: None,
    };
    let roles: Vec<Membership> = person
        .organisations
        .iter()
        .filter_map(|at| places.get(*at))
        .map(|organisation| Membership {
            organisation: organisation.clone(),
            mediator: person.mediator,
            manager: person.manager,
            certified_until: None,
        })
        .collect();
    accounts::create(tx, account.clone(), roles.first(), now)?;
    for role in roles.iter().skip(1) {
        accounts::create(tx, account.clone(), Some(role), now)?;
    }
    accounts::save(tx, account.clone().accept_terms(now))?;
    let device = AuthenticatorId::new(now, random.u128());
    authenticators::begin(tx, &device, &account.id, &*credential::new_seed(random), now)?;
    let new = Authenticator {
        id: device,
        account: account.id,
        last_step: 0,
        failures: 0,
        locked_at: None,
        confirmed_at: None,
    };
    match new.confirm(Some(0), now) {
        Ok((confirmed, _)) => authenticators::save(tx, confirmed).map(drop),
        Err(_) => Err(Error::Corrupt("an authenticator of the demonstration")),
    }
}
