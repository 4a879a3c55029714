//! The world of a story: the whole service in this process, on the database of the story, with the clock in the story's hands, beside
//! a pretend FranceConnect.

pub(crate) mod actor;
pub(crate) mod database;
pub(crate) mod desk;
pub(crate) mod everything;
mod hand;
pub(crate) mod key;
mod office;
pub(crate) mod officer;
pub(crate) mod refused;
pub(crate) mod roles;
pub(crate) mod service;
mod snapshot;
pub(crate) mod stub;

use std::collections::BTreeSet;
use std::net::TcpListener;

use actix_web::web::Data;
use mandataire::app;
use mandataire::clock::{Clock, Random};
use mandataire::config::{Audit, Config, Database as DatabaseConfig, FranceConnect, Mail, MailMode};
use mandataire::credential;
use mandataire::demo::franceconnect;
use mandataire::domain::Instant;
use mandataire::domain::authenticator::Authenticator;
use mandataire::domain::event::Kind;
use mandataire::domain::id::{AccountId, AuthenticatorId, EntryId, MandateId, OrganisationId};
use mandataire::domain::mandate::Mandate;
use mandataire::domain::mediator::{Account, Membership};
use mandataire::domain::organisation::Organisation;
use mandataire::domain::procedure::Procedure;
use mandataire::store::journal::{self, Filter};
use mandataire::store::{Location, Store, accounts, authenticators, mandates, organisations};
use mandataire::web::routes;
use mandataire::web::state::App;
use secrecy::SecretString;
use serde_json::Value;

use actor::Actor;
use database::Database;

/// When every story begins: a Sunday morning in Paris.
pub(crate) const BEGINNING: &str = "2026-11-22T09:00:00Z";
/// Our secret at FranceConnect in stories.
pub(crate) const OUR_SECRET: &str = "our-secret-at-the-pretend-franceconnect-0123456789";

/// The master key of stories: no bytes that a configuration would take for made up.
pub(crate) const MASTER_KEY: &[u8; 32] = b"the master key of every story 32";

/// Which database a story runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Sqlite,
    Postgres,
}

/// The world.
pub(crate) struct World {
    /// Our address.
    pub(crate) base: String,
    /// The pretend FranceConnect's address.
    pub(crate) franceconnect: String,
    /// The service.
    pub(crate) app: Data<App>,
    /// Its clock; it stands still.
    pub(crate) clock: Clock,
    /// Randomness for what stories make.
    pub(crate) random: Random,
    /// The organisation of most stories.
    pub(crate) organisation: OrganisationId,
    /// The database; dropped with the world.
    pub(crate) database: Database,
}

/// Runs a story on SQLite and on PostgreSQL.
#[macro_export]
macro_rules! on_each_backend {
    ($($(#[doc = $doc:literal])* async fn $name:ident($world:ident) $body:block)+) => { $(
        $(#[doc = $doc])*
        async fn $name($world: $crate::world::World) $body

        mod $name {
            #[actix_web::test]
            async fn sqlite() {
                super::$name($crate::world::World::on_sqlite().await).await;
            }

            #[actix_web::test]
            async fn postgres() {
                if let Some(world) = $crate::world::World::on_postgres().await {
                    super::$name(world).await;
                }
            }
        }
    )+ };
}

fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    (listener, origin)
}

impl World {
    /// A world on a new SQLite file.
    pub(crate) async fn on_sqlite() -> Self {
        Self::on(Database::sqlite()).await
    }

    /// A world on a new PostgreSQL schema; none where no PostgreSQL is given, which fails where everything must run.
    pub(crate) async fn on_postgres() -> Option<Self> {
        match Database::postgres() {
            Some(database) => Some(Self::on(database).await),
            None => None,
        }
    }

    async fn on(database: Database) -> Self {
        Store::migrate(&database.location).expect("the migrations run");
        let location = database.location.clone();
        Self::served_on(database, &location).await
    }

    /// A world on a database that is migrated, with a service that reaches it at a location of its own.
    pub(crate) async fn served_on(database: Database, location: &Location) -> Self {
        let (clock, random) = (Clock::manual(BEGINNING.parse().unwrap()), Random::system());
        let ((ours, base), (theirs, fc)) = (listener(), listener());
        let config = config(&base, &fc, &database);
        let store = Store::open(location, 4, MASTER_KEY, random.clone()).expect("the store opens");
        let secret = SecretString::from(OUR_SECRET);
        let app =
            app::assemble(&config, secret.into(), store, clock.clone(), random.clone()).await.expect("it assembles");
        let server = app::server(app.clone(), ours, 1, routes::all).unwrap();
        actix_web::rt::spawn(server);
        let settings = service::franceconnect_settings(&fc, &base, &clock, &random);
        actix_web::rt::spawn(franceconnect::serve(theirs, settings).unwrap());
        let organisation = OrganisationId::new(clock.now(), random.u128());
        let world = Self { base, franceconnect: fc, app, clock, random, organisation, database };
        world.accredits("Maison France services de Houdan", "73282932000074", world.organisation.clone()).await;
        world
    }

    /// Another node on the same database, under the same public address, and where it listens itself.
    pub(crate) async fn another_node(&self) -> (Data<App>, String) {
        let (ours, address) = listener();
        let config = config(&self.base, &self.franceconnect, &self.database);
        let store = Store::open(&self.database.location, 4, MASTER_KEY, self.random.clone()).expect("the store opens");
        let secret = SecretString::from(OUR_SECRET).into();
        let app = app::assemble(&config, secret, store, self.clock.clone(), self.random.clone()).await;
        let app = app.expect("it assembles");
        actix_web::rt::spawn(app::server(app.clone(), ours, 1, routes::all).unwrap());
        (app, address)
    }

    /// The same world, served anew as another configuration says.
    pub(crate) async fn served_as(self, change: impl FnOnce(&mut Config)) -> Self {
        let (ours, base) = listener();
        let mut config = config(&base, &self.franceconnect, &self.database);
        change(&mut config);
        let (store, clock, random) = (self.app.store.clone(), self.clock.clone(), self.random.clone());
        let app = app::assemble(&config, SecretString::from(OUR_SECRET).into(), store, clock, random).await;
        let app = app.expect("it assembles");
        actix_web::rt::spawn(app::server(app.clone(), ours, 1, routes::all).unwrap());
        Self { base, app, ..self }
    }

    /// Another organisation.
    pub(crate) async fn another_organisation(&self) -> OrganisationId {
        let id = OrganisationId::new(self.clock.now(), self.random.u128());
        self.accredits("Centre social de Saint-Benoît", "40483304800022", id.clone()).await;
        id
    }

    /// Yet another one.
    pub(crate) async fn third_organisation(&self) -> OrganisationId {
        let id = OrganisationId::new(self.clock.now(), self.random.u128());
        self.accredits("Mairie de Saint-Denis", "21930066500011", id.clone()).await;
        id
    }

    async fn accredits(&self, name: &str, siret: &str, id: OrganisationId) {
        let organisation = Organisation {
            id,
            name: name.to_owned(),
            siret: siret.parse().unwrap(),
            address: "12 Grande Rue, 78550 Houdan".to_owned(),
            zone: "Europe/Paris".to_owned(),
            procedures: BTreeSet::from(Procedure::ALL),
            suspended_at: None,
        };
        let now = self.clock.now();
        let created = self.app.store.write(move |tx| organisations::create(tx, organisation.create(now), now)).await;
        created.expect("the organisation is created");
    }

    /// A certified mediator of an organisation, enrolled, signed out.
    pub(crate) async fn mediator_of(&self, organisation: &OrganisationId, name: &str) -> Actor {
        let role =
            Membership { organisation: organisation.clone(), mediator: true, manager: false, certified_until: None };
        self.enrolled(name, &[role], false).await
    }

    /// A mediator of the usual organisation, signed in.
    pub(crate) async fn mediator(&self, name: &str) -> Actor {
        let actor = self.mediator_of(&self.organisation, name).await;
        actor.signs_in().await;
        actor
    }

    /// A manager of the usual organisation, signed in.
    pub(crate) async fn manager(&self, name: &str) -> Actor {
        let organisation = self.organisation.clone();
        let role = Membership { organisation, mediator: false, manager: true, certified_until: None };
        let actor = self.enrolled(name, &[role], false).await;
        actor.signs_in().await;
        actor
    }

    /// An auditor, signed in, who has not said why.
    pub(crate) async fn auditor(&self, name: &str) -> Actor {
        let actor = self.enrolled(name, &[], true).await;
        actor.signs_in().await;
        actor
    }

    /// Somebody with these roles, whose authenticator is enrolled and who accepted the terms; signed out.
    pub(crate) async fn enrolled(&self, name: &str, roles: &[Membership], auditor: bool) -> Actor {
        let actor = self.invited(name, roles, auditor).await;
        let (account, now) = (actor.account.clone(), self.clock.now());
        let (id, seed) = (AuthenticatorId::new(now, self.random.u128()), credential::new_seed(&self.random));
        self.app
            .store
            .write(move |tx| {
                let found = accounts::find(tx, &account)?;
                accounts::save(tx, found.accept_terms(now))?;
                authenticators::begin(tx, &id, &account, &*seed, now)?;
                let (last_step, failures, locked_at, confirmed_at) = (0, 0, None, None);
                let new = Authenticator { id, account, last_step, failures, locked_at, confirmed_at };
                let (confirmed, _) = new.confirm(Some(0), now).expect("a first code confirms");
                authenticators::save(tx, confirmed)
            })
            .await
            .expect("the authenticator is enrolled");
        actor
    }

    /// Somebody with these roles who has never signed in.
    pub(crate) async fn invited(&self, name: &str, roles: &[Membership], auditor: bool) -> Actor {
        let now = self.clock.now();
        let id = AccountId::new(now, self.random.u128());
        let email = format!("{}@houdan.example.fr", name.to_lowercase().replace(' ', "."));
        let account = Account {
            id,
            email: email.parse().unwrap(),
            name: name.to_owned(),
            auditor,
            officer: false,
            active: true,
            terms: None,
        };
        let (made, roles) = (account.clone(), roles.to_vec());
        self.app
            .store
            .write(move |tx| {
                accounts::create(tx, made.clone(), roles.first(), now)?;
                for role in roles.iter().skip(1) {
                    accounts::create(tx, made.clone(), Some(role), now)?;
                }
                Ok::<_, mandataire::store::Error>(())
            })
            .await
            .expect("the account is created");
        Actor::new(self, account)
    }

    /// Everything the journal holds of one kind, oldest first: the clear parts.
    pub(crate) async fn entries(&self, kind: Kind) -> Vec<Value> {
        let filter = Filter { kind: Some(kind), ..Filter::default() };
        let entries = self.app.store.read(move |db| journal::list_forward(db, &filter, None, 10_000)).await;
        let clear = |entry: &journal::Entry| serde_json::from_slice(&entry.clear).expect("a clear part is JSON");
        entries.expect("the journal is read").iter().map(clear).collect()
    }

    /// The sealed part of an entry, opened.
    pub(crate) async fn sealed(&self, entry: &Value) -> Value {
        let id: EntryId = entry["id"].as_str().unwrap().parse().unwrap();
        let part = self.app.store.read(move |db| journal::sealed_part(db, &id)).await.expect("the journal is read");
        serde_json::from_slice(&part.expect("it has a sealed part")).expect("a sealed part is JSON")
    }

    /// The reasons written in the entries of one kind, oldest first.
    pub(crate) async fn reasons(&self, kind: Kind) -> Vec<String> {
        let entries = self.entries(kind).await;
        entries.iter().map(|entry| entry["reason"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// How many entries of one kind the journal holds.
    pub(crate) async fn count(&self, kind: Kind) -> usize {
        self.entries(kind).await.len()
    }

    /// A mandate, as the organisation holds it.
    pub(crate) async fn mandate(&self, organisation: &OrganisationId, id: &MandateId) -> Mandate {
        let (organisation, id) = (organisation.clone(), id.clone());
        let found = self.app.store.read(move |db| mandates::held_by(db, &organisation, &id)).await;
        found.expect("the organisation holds the mandate")
    }

    /// Time passes until an instant.
    pub(crate) fn until(&self, instant: Instant) {
        self.clock.advance(instant - self.clock.now());
    }

    /// Time passes.
    pub(crate) fn after(&self, seconds: i64) {
        self.clock.advance(chrono::TimeDelta::seconds(seconds));
    }

    /// Now.
    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// An address of the service.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

/// The configuration of a world.
pub(crate) fn config(base: &str, fc: &str, database: &Database) -> Config {
    Config {
        public_url: base.to_owned(),
        development: true,
        contact: "contact@mandataire.example.fr".to_owned(),
        database: DatabaseConfig { url: database.url.clone().into(), pool: 4, ..DatabaseConfig::default() },
        journal: mandataire::config::Journal { public_entries: true, ..Default::default() },
        mail: Mail { mode: MailMode::Page, ..Mail::default() },
        franceconnect: FranceConnect {
            issuer: franceconnect::issuer(fc),
            client_id: "mandataire".to_owned(),
            ..FranceConnect::default()
        },
        // Small enough for a story to come to the end of them.
        audit: Audit { export_limit: 200, export_quota: 500, ..Audit::default() },
        ..Config::default()
    }
}
