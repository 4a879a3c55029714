//! What a service that is not FranceConnect costs: the signature of an ID token, the question how a mandate stands, and how often each
//! request of a use asks the database.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use mandataire::app::block_on;
use mandataire::clock::Random;
use mandataire::domain::client::{AuthMethod, Client, SigningAlgorithm};
use mandataire::oidc::keys::KeyRing;
use mandataire::store::{Error, Location, Store, clients};
use serde::Serialize;
use serde_json::{Value, json};

use crate::generate::MASTER_KEY;
use crate::http::{Connection, Outcome, expect};
use crate::measure::{Cell, Figures, Operation};
use crate::seats::Seats;
use crate::work::{self, FRANCECONNECT, Party};
use crate::{http, process};

/// A service with ES256 and its secret in a header, which may ask about mandates.
pub(crate) const SERVICE: Party = Party {
    id: "client_asking",
    secret: "the-secret-of-the-asking-client-0123456789",
    redirect: "https://service.example.fr/callback",
    basic: true,
};
/// Mandates that are asked about in turn.
const ASKED: usize = 16;
/// Signatures that are timed.
const SIGNATURES: usize = 20_000;
/// Uses that are looked at request by request.
const LOOKED_AT: usize = 20;

/// Registers the service, once for each copy of the database.
pub(crate) async fn register(store: &Store, now: mandataire::domain::Instant) -> Result<(), Error> {
    let registered = store.write(move |tx| {
        if clients::find(tx, SERVICE.id)?.is_some() {
            return Ok(());
        }
        let usual = Client::usual(SERVICE.id.to_owned(), "Service".to_owned(), vec![SERVICE.redirect.to_owned()]);
        let client = Client { auth_method: AuthMethod::Basic, introspects: true, ..usual };
        clients::register(tx, client.register(now), SERVICE.secret, now).map(drop)
    });
    registered.await
}

/// The header of a client whose secret is in one.
pub(crate) fn authorization(party: &Party) -> String {
    if !party.basic {
        return String::new();
    }
    // Nothing in them is encoded by RFC 6749 2.3.1.
    format!("authorization: Basic {}\r\n", STANDARD.encode(format!("{}:{}", party.id, party.secret)))
}

fn mandate(id_token: &str) -> Outcome<String> {
    let payload = id_token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let claims: Value = serde_json::from_slice(&payload.ok_or("no ID token")?).map_err(|error| error.to_string())?;
    claims["mandate"]["id"].as_str().map(str::to_owned).ok_or_else(|| "no mandate in the ID token".to_owned())
}

/// `GET /api/mandates/{mandate}/standing`, of mandates that were used at the service: whoever comes first uses them, which the warming
/// does.
pub(crate) fn standing(seats: &Arc<Seats>) -> Arc<Operation> {
    let (seats, used) = (seats.clone(), OnceLock::<Outcome<Vec<String>>>::new());
    let header = authorization(&SERVICE);
    Arc::new(move |thread, browser| {
        let used = used.get_or_init(|| {
            let each = (0..ASKED).map(|_| mandate(&work::exercised(&seats, &SERVICE, browser, &mut |_| Ok(()))?));
            each.collect()
        });
        let mandates = used.as_ref().map_err(Clone::clone)?;
        let path = format!("/api/mandates/{}/standing", mandates[thread % mandates.len()]);
        let answer = expect(200, browser.get(&path, &header)?, "the standing")?;
        if answer.text().contains("\"valid\":true") { Ok(()) } else { Err(answer.text().to_owned()) }
    })
}

/// An ES256 signature of an ID token like ours, by the code and the key of the service, in this process and nothing beside it.
pub(crate) fn signature(database: &str, location: &Location) -> Outcome<Cell> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let store = Store::open(location, 1, &MASTER_KEY, Random::system()).map_err(|error| text(&error))?;
    let ring = KeyRing::default();
    block_on(ring.refresh(&store)).map_err(|error| text(&error))?;
    let claims = json!({
        "iss": "https://mandataire.example.fr", "sub": "Zq1c5fVxN0oH7m2uYtR8wB4kE6sA9dGjLpXvQhT3nCk", "aud": SERVICE.id,
        "iat": 1_795_338_761, "exp": 1_795_338_821, "auth_time": 1_795_338_302, "nonce": "fedcba9876543210fedcba9876543210",
        "acr": "eidas1", "amr": ["mail", "otp"], "at_hash": "77QmUPtjPfzWtF2AnpK9RQ", "sid": "flw_01M818E1RZ9Y8X7W6V5T4S3R2Q",
        "act": { "sub": "acc_01M45VFT9S3K7P9Q2W4Z8R1M6T", "organisation": {
            "id": "org_01M45V9Y006Y8N2K4P1V3B5GDT", "name": "Maison France services de Houdan", "siret": "73282932000074",
        } },
        "mandate": { "id": "mdt_01M817YT8W2R7H9Z4E6S8T1XQC", "procedure": "logement", "expires_at": 1_798_016_650 },
        "rep_scope": ["Logement"],
    });
    let (before, began) = (process::cpu(std::process::id()), Instant::now());
    let mut took = Vec::with_capacity(SIGNATURES);
    for _ in 0..SIGNATURES {
        let one = Instant::now();
        ring.sign(SigningAlgorithm::Es256, &[], &claims).map_err(|error| text(&error))?;
        took.push(one.elapsed().as_secs_f64() * 1_000.0);
    }
    let (seconds, spent) = (began.elapsed().as_secs_f64(), process::cpu(std::process::id()) - before);
    took.sort_by(f64::total_cmp);
    Ok(Cell {
        database: database.to_owned(),
        what: "ES256 signature".to_owned(),
        connections: 1,
        operations: SIGNATURES,
        failures: 0,
        per_second: SIGNATURES as f64 / seconds,
        p50_ms: took[SIGNATURES / 2],
        p99_ms: took[SIGNATURES * 99 / 100],
        service_cpu_ms: spent / SIGNATURES as f64,
        database_cpu_ms: 0.0,
        memory_mb: 0.0,
        statements: 0.0,
        commits: 0.0,
    })
}

/// How often one request of a use asks the database: the median, so that what goes on behind it, as signing the journal, is not in it.
#[derive(Debug, Serialize)]
pub(crate) struct Journey {
    pub(crate) database: String,
    pub(crate) request: &'static str,
    pub(crate) statements: f64,
    pub(crate) commits: f64,
}

/// Uses, one after the other, with a look at the service's figures after each request.
pub(crate) fn journeys(database: &str, address: SocketAddr, figures: Figures, seats: &Seats) -> Outcome<Vec<Journey>> {
    let mut browser = http::Connection::open(address)?;
    let mut found: Vec<(&'static str, Vec<(f64, f64)>)> = Vec::new();
    for _ in 0..LOOKED_AT {
        let mut before = figures.read()?;
        let mut look = |request: &'static str| {
            let now = figures.read()?;
            let more = (now.0 - before.0, now.1 - before.1);
            match found.iter_mut().find(|(known, _)| *known == request) {
                Some((_, figures)) => figures.push(more),
                None => found.push((request, vec![more])),
            }
            before = now;
            Ok(())
        };
        work::exercised(seats, &FRANCECONNECT, &mut browser, &mut look)?;
    }
    let median = |figures: &[(f64, f64)], which: fn(&(f64, f64)) -> f64| {
        let mut all: Vec<f64> = figures.iter().map(which).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let journey = |(request, figures): (&'static str, Vec<(f64, f64)>)| Journey {
        database: database.to_owned(),
        request,
        statements: median(&figures, |one| one.0),
        commits: median(&figures, |one| one.1),
    };
    Ok(found.into_iter().map(journey).collect())
}

/// A use at the service: as at FranceConnect, with ES256.
pub(crate) fn exercise(seats: &Arc<Seats>) -> Arc<Operation> {
    let seats = seats.clone();
    Arc::new(move |_, browser: &mut Connection| work::exercised(&seats, &SERVICE, browser, &mut |_| Ok(())).map(drop))
}
