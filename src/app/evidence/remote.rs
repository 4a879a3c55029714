//! A log where it is published: the same files, over HTTP.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, Url};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::Trouble;
use super::files::{CHECKPOINT, Files, WITNESSED};

/// The largest file of a log: 256 entries of 64 KiB.
const LARGEST: usize = 17 << 20;

/// A file; nothing if it is not there.
type Answer = Result<Option<Vec<u8>>, Trouble>;

/// Where a log is published.
pub struct Remote {
    base: Url,
    client: Client,
    runtime: Handle,
    coming: HashMap<String, JoinHandle<Answer>>,
    turns: Arc<Semaphore>,
}

/// Files asked for at once, of all threads together.
const AT_ONCE: usize = 32;

impl Drop for Remote {
    fn drop(&mut self) {
        // Nobody waits for them any more.
        self.coming.values().for_each(JoinHandle::abort);
    }
}

impl Clone for Remote {
    fn clone(&self) -> Self {
        let (base, client, runtime) = (self.base.clone(), self.client.clone(), self.runtime.clone());
        Self { base, client, runtime, coming: HashMap::new(), turns: Arc::clone(&self.turns) }
    }
}

impl Remote {
    /// The log below an address, as `https://mandataire.example.fr/log`.
    ///
    /// # Errors
    /// It is no address of the web.
    pub fn new(base: &str, runtime: Handle) -> Result<Self, Trouble> {
        let wrong = |why: &dyn std::fmt::Display| Trouble::Answer(base.to_owned(), why.to_string());
        let address = Url::parse(&format!("{}/", base.trim_end_matches('/'))).map_err(|error| wrong(&error))?;
        if !["http", "https"].contains(&address.scheme()) {
            return Err(wrong(&"write an address that begins with https://"));
        }
        // A checkpoint is signed and tiles are hashes: whoever answers from elsewhere can only be caught. Still nobody is followed.
        let client = Client::builder()
            .redirect(Policy::none())
            .timeout(Duration::from_secs(30))
            .connect_timeout(Duration::from_secs(5))
            .user_agent("mandataire")
            .build();
        let client = client.map_err(|error| wrong(&error))?;
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        Ok(Self { base: address, client, runtime, coming: HashMap::new(), turns })
    }

    fn fetch(&self, path: &str) -> impl Future<Output = Answer> + Send + 'static {
        let (address, client, turns) = (self.base.join(path), self.client.clone(), Arc::clone(&self.turns));
        let shown = format!("{}{path}", self.base);
        async move {
            let wrong = |why: &dyn std::fmt::Display| Trouble::Answer(shown.clone(), why.to_string());
            let address = address.map_err(|error| wrong(&error))?;
            let _turn = turns.acquire().await.map_err(|error| wrong(&error))?;
            let mut answer = client.get(address).send().await.map_err(|error| wrong(&error.without_url()))?;
            match answer.status() {
                StatusCode::OK => {}
                StatusCode::NOT_FOUND => return Ok(None),
                other => return Err(wrong(&format!("answered {other}"))),
            }
            let mut bytes = Vec::new();
            while let Some(chunk) = answer.chunk().await.map_err(|error| wrong(&error.without_url()))? {
                bytes.extend_from_slice(&chunk);
                if bytes.len() > LARGEST {
                    return Err(wrong(&"answered more than any file of a log"));
                }
            }
            Ok(Some(bytes))
        }
    }
}

impl Files for Remote {
    fn read(&mut self, path: &str) -> Answer {
        // What is not published is not asked for.
        if ![CHECKPOINT, WITNESSED].contains(&path) && !path.starts_with("tile/") {
            return Ok(None);
        }
        match self.coming.remove(path) {
            Some(coming) => {
                let broken = |error: tokio::task::JoinError| Trouble::Answer(path.to_owned(), error.to_string());
                self.runtime.block_on(coming).map_err(broken)?
            }
            None => self.runtime.block_on(self.fetch(path)),
        }
    }

    fn soon(&mut self, paths: Vec<String>) {
        for path in paths {
            let fetch = self.fetch(&path);
            self.coming.insert(path, self.runtime.spawn(fetch));
        }
    }
}
