//! The page of the auditor, asked for from the real service: what a search takes is not all that somebody waits for.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

use mandataire::clock::Clock;
use mandataire::credential;
use mandataire::domain::assurance::Authentication;
use mandataire::domain::id::{AccountId, EntryId, SessionId};
use mandataire::domain::mediator::Account;
use mandataire::store::audit::{Field, Search};
use mandataire::store::sessions::{self, Declared};
use mandataire::store::{Error, Location, Store, accounts, log};

use crate::http::{Connection, expect};
use crate::installation::{Installation, free_address, spawn};
use crate::{MASTER_KEY, Outcome, random, signer};

/// How long the service may take to answer at all.
const PATIENCE: Duration = Duration::from_secs(30);

/// The service, and the folder of its files; both end with this value.
struct Running {
    folder: PathBuf,
    child: Option<Child>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended by itself, which whoever asked it was told.
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Running {
    fn on(location: &Location, signed: Option<&str>, address: SocketAddr) -> Outcome<Self> {
        let folder = std::env::temp_dir().join(format!("mandataire-search-{:032x}", random().u128()));
        fs::create_dir(&folder)?;
        let mut running = Self { folder, child: None };
        let database = match location {
            Location::Sqlite(file) => format!("sqlite:{file}"),
            Location::Postgres(url) => url.clone(),
        };
        let installation = Installation {
            folder: &running.folder,
            database: &database,
            master_key: MASTER_KEY,
            franceconnect: ["http://127.0.0.1:9/api/v2", "us", &format!("{:064x}", random().u128())],
            signer: &signer()?,
            signed,
            figures: None,
        };
        let command = installation.command(address)?;
        running.child = Some(spawn(command, &running.folder.join("log"))?);
        Ok(running)
    }
}

/// An auditor before a browser, and the service that answers.
pub(crate) struct Desk {
    _running: Running,
    connection: Connection,
    cookies: String,
}

impl Desk {
    /// Starts the service on a journal, with an auditor signed in who said why.
    pub(crate) async fn open(location: &Location, store: &Store) -> Outcome<Self> {
        let cookies = signed_in(store).await?;
        let address = free_address()?;
        let signed = store.read(log::latest).await?.map(|last| last.note);
        let running = Running::on(location, signed.as_deref(), address)?;
        let began = Instant::now();
        let connection = loop {
            match Connection::open(address) {
                Ok(connection) => break connection,
                Err(error) if began.elapsed() > PATIENCE => return Err(error.into()),
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        Ok(Self { _running: running, connection, cookies })
    }

    /// The first page of a search; answers how many entries it shows.
    pub(crate) fn page(&mut self, search: &Search) -> Outcome<usize> {
        let page = self.connection.get(&address(search), &self.cookies)?;
        let page = expect(200, page, "the auditor's page")?;
        Ok(page.text().matches("href=\"/journal/ent_").count())
    }
}

/// An auditor with a session; the lines of their cookies.
async fn signed_in(store: &Store) -> Outcome<String> {
    let (now, random) = (Clock::system().now(), random());
    let id = AccountId::new(now, random.u128());
    let (token, csrf) = (random.token(), random.token());
    let cookies = format!("cookie: mandataire-session={token}; mandataire-browser={}\r\n", random.token());
    let account = Account {
        id: id.clone(),
        email: format!("{id}@example.fr").parse()?,
        name: "Denis Roux".to_owned(),
        auditor: true,
        officer: false,
        active: true,
        terms: None,
    };
    let (session, number) = (SessionId::new(now, random.u128()), random.u128());
    let written = store.write(move |tx| {
        accounts::create(tx, account.clone(), None, now)?;
        accounts::save(tx, account.accept_terms(now))?;
        let new = sessions::New {
            id: &session,
            token_hash: &credential::token_hash(&token),
            account: &id,
            organisation: None,
            csrf: &csrf,
            code_at: Some(now),
            authentication: Authentication::Code,
        };
        sessions::create(tx, &new, now)?;
        let why = Declared { entry: EntryId::new(now, number), text: "Figures of the search".to_owned() };
        sessions::declare(tx, &session, &id, &why)
    });
    written.await.map_err(|error: Error| error)?;
    Ok(cookies)
}

/// Where the page of a search is.
fn address(search: &Search) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (field, value) in &search.with {
        let name = match field {
            Field::Mandate => "mandate",
            Field::Citizen => "citizen",
            Field::Actor => "mediator",
            Field::Client => "service",
            Field::Procedure => "procedure",
            Field::Organisation => "organisation",
            Field::Kind => "kind",
        };
        query.append_pair(name, value);
    }
    for (name, at) in [("from", search.from), ("to", search.until)] {
        query.extend_pairs(at.map(|at| (name, at.format("%Y-%m-%d").to_string())));
    }
    format!("/journal?{}", query.finish())
}
