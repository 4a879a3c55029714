//! The page of the auditor, asked for from the real service: what a search takes is not all that somebody waits for.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mandataire::clock::Clock;
use mandataire::credential;
use mandataire::domain::assurance::Authentication;
use mandataire::domain::id::{AccountId, SessionId};
use mandataire::domain::mediator::Account;
use mandataire::journal::note::{Purpose, Signer};
use mandataire::store::audit::{Field, Search};
use mandataire::store::{Error, Location, Store, accounts, sessions};

use crate::http::{Connection, expect};
use crate::{MASTER_KEY, Outcome, random};

/// How long the service may take to answer at all.
const PATIENCE: Duration = Duration::from_secs(30);

/// An auditor before a browser, and the service that answers.
pub(crate) struct Desk {
    child: Child,
    connection: Connection,
    cookies: String,
    folder: PathBuf,
}

impl Drop for Desk {
    fn drop(&mut self) {
        // It may have ended by itself, which whoever asked it was told.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Desk {
    /// Starts the service on a journal, with an auditor signed in who said why.
    pub(crate) async fn open(location: &Location, store: &Store) -> Outcome<Self> {
        let cookies = signed_in(store).await?;
        let folder = std::env::temp_dir().join(format!("mandataire-search-{:032x}", random().u128()));
        fs::create_dir(&folder)?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        secret(&folder.join("master.key"), &STANDARD.encode(MASTER_KEY))?;
        secret(&folder.join("franceconnect.secret"), &format!("{:032x}{:032x}", random().u128(), random().u128()))?;
        let signer = Signer::new("search.example.fr/log", Purpose::Note, MASTER_KEY)?;
        secret(&folder.join("journal.key"), signer.secret().as_str())?;
        let url = match location {
            Location::Sqlite(file) => format!("sqlite:{file}"),
            Location::Postgres(url) => url.clone(),
        };
        let at = folder.display();
        let written = format!(
            "public_url = \"http://{address}\"\nlisten = \"{address}\"\ndevelopment = true\ncontact = \"contact@example.fr\"\n\
             [database]\nurl = {url:?}\n[secrets]\nmaster_key_file = '{at}/master.key'\n\
             [journal]\nkey_file = '{at}/journal.key'\nsigned_file = '{at}/journal.signed'\n\
             [mail]\nfrom = \"mandataire@example.fr\"\nhost = \"127.0.0.1\"\nport = 9\nencryption = \"none\"\n\
             [franceconnect]\nissuer = \"http://127.0.0.1:9/api/v2\"\nclient_id = \"us\"\nclient_secret_file = '{at}/franceconnect.secret'\n"
        );
        secret(&folder.join("mandataire.toml"), &written)?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_mandataire"));
        // A variable of the developer's would be read as a setting.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MANDATAIRE_")) {
            command.env_remove(name);
        }
        let log = File::create(folder.join("log"))?;
        command.arg("--config").arg(folder.join("mandataire.toml")).arg("serve");
        let child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        let began = Instant::now();
        let connection = loop {
            match Connection::open(address) {
                Ok(connection) => break connection,
                Err(error) if began.elapsed() > PATIENCE => return Err(error.into()),
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        Ok(Self { child, connection, cookies, folder })
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
    let session = SessionId::new(now, random.u128());
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
        sessions::declare(tx, &session, &id, "Figures of the search")
    });
    written.await.map_err(|error: Error| error)?;
    Ok(cookies)
}

fn secret(path: &Path, content: &str) -> Outcome<()> {
    use std::io::Write as _;
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    Ok(writeln!(file?, "{content}")?)
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
