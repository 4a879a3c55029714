//! The keys that sign: another one takes the place of each, and nobody meets one that they do not know.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use actix_web::rt::spawn;
use actix_web::web::Data;
use chrono::TimeDelta;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use mandataire::app::upkeep;
use mandataire::domain::Instant;
use mandataire::domain::client::SigningAlgorithm::{Es256, Rs256};
use mandataire::domain::event::Kind;
use mandataire::domain::id::CitizenId;
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::signing_key::{Ages, LAG, Wish};
use mandataire::domain::term::Term::Year;
use mandataire::oidc::keys;
use mandataire::store::{Time, seen};
use mandataire::web::state::App;
use serde_json::Value;

use super::access_token;
use crate::on_each_backend;
use crate::world::actor::Actor;
use crate::world::service::{Service, answered};
use crate::world::{BEGINNING, Backend, World};

/// Who works at once, and whom each acts for.
const NAMES: [&str; 6] = ["Bea Roche", "Carl Noir", "Dora Blanc", "Emil Petit", "Fanny Grand", "Gaspard Roux"];
const CITIZENS: [&str; 6] = ["bernard", "awa", "anghjula", "camille", "guilhem", "leila"];

fn usual() -> Ages {
    Ages::usual(90)
}

/// A mediator, a service that verifies by itself, and a mandate of a year.
async fn long(world: &World) -> (Actor, Service, CitizenId) {
    let ana = world.mediator("Ana Silva").await;
    let service = world.plain_service().await;
    let opened = ana.opens_a_mandate_for("josephine", &[Logement], Year).await;
    (ana, service, opened.citizen)
}

/// A node does what it does every thirty seconds, whatever the hour is at the database.
async fn tends(node: &Data<App>, ages: &Ages) {
    keys::tend(&node.store, ages, node.clock.now()).await.unwrap();
    node.provider.keys.refresh(&node.store).await.unwrap();
}

async fn wishes(world: &World, wish: Wish) -> bool {
    keys::wish(&world.app.store, Es256, wish, &usual(), world.now()).await.unwrap()
}

async fn key_set(service: &Service) -> JwkSet {
    serde_json::from_str(&service.sends(|http, base| http.get(format!("{base}/jwks"))).await.body).unwrap()
}

fn kids(set: &JwkSet) -> Vec<String> {
    set.keys.iter().map(|key| key.common.key_id.clone().unwrap()).collect()
}

/// Which key signed, if this set has it and it did.
fn verified(token: &str, set: &JwkSet, issuer: &str, audience: &str) -> Option<String> {
    let kid = decode_header(token).ok()?.kid?;
    let key = DecodingKey::from_jwk(set.find(&kid)?).ok()?;
    let mut validation = Validation::new(Algorithm::ES256);
    validation.validate_exp = false;
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[audience]);
    decode::<Value>(token, &key, &validation).ok().map(|_| kid)
}

/// An ID token by a whole use, its code exchanged at `node`.
async fn id_token(ana: &Actor, citizen: &CitizenId, service: &Service, node: &Service) -> String {
    if !ana.is_signed_in().await {
        ana.signs_in().await;
    }
    let code = ana.gets_a_code(service, citizen, Logement).await;
    let answer = node.exchanges(&code).await;
    assert_eq!(node.asks_identity(&access_token(&answer)).await.status, 200);
    answer.json()["id_token"].as_str().unwrap().to_owned()
}

/// The entries about one key: their kind and where it stood.
async fn told(world: &World, kid: &str) -> Vec<(Kind, String)> {
    let mut told = Vec::new();
    for kind in [Kind::KeyCreated, Kind::KeyActivated, Kind::KeyRetired] {
        let entries = world.entries(kind).await;
        let about = entries.iter().filter(|entry| entry["kid"] == kid);
        told.extend(about.map(|entry| (kind, entry["state"].as_str().unwrap().to_owned())));
    }
    told
}

/// A service that keeps the key set as long as it may.
struct Keeper {
    service: Service,
    nodes: [Service; 2],
    kept: RefCell<Option<(Instant, JwkSet)>>,
    fetched: Cell<usize>,
}

impl Keeper {
    async fn set(&self, world: &World, ages: &Ages) -> JwkSet {
        let now = world.now();
        let kept = self.kept.borrow().clone();
        if let Some((at, set)) = kept
            && now - at < ages.cached
        {
            return set;
        }
        // From one node, then from the other.
        self.fetched.set(self.fetched.get() + 1);
        let set = key_set(&self.nodes[self.fetched.get() % 2]).await;
        *self.kept.borrow_mut() = Some((now, set.clone()));
        set
    }
}

/// Time passes in steps, however slow the machine is, and both nodes keep up with it nearly as late as they may.
async fn time_passes(world: Rc<World>, nodes: [Data<App>; 2], ages: Ages, until: Instant) {
    for step in 0_usize.. {
        if world.now() >= until {
            break;
        }
        world.clock.advance(TimeDelta::milliseconds(100));
        keys::tend(&nodes[step % 2].store, &ages, world.now()).await.unwrap();
        for (node, every) in nodes.iter().zip([3, 4]) {
            if step % every == 0 {
                node.provider.keys.refresh(&node.store).await.unwrap();
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What came of the uses of a while.
#[derive(Default)]
struct Tally {
    whole: Cell<usize>,
    lost: RefCell<Vec<String>>,
    /// Those that a service would have lost that never reads the key set again.
    unknown_at_first: Cell<usize>,
    signed: RefCell<BTreeSet<String>>,
}

async fn uses(
    world: Rc<World>,
    ana: Actor,
    citizen: CitizenId,
    keeper: Rc<Keeper>,
    tally: Rc<Tally>,
    until: Instant,
    ages: Ages,
) {
    let first = keeper.set(&world, &ages).await;
    let mut turn = 0;
    while world.now() < until {
        turn += 1;
        // Without the wish for another code, of which there is one in thirty seconds.
        let page = ana.comes_from(&keeper.service.request_with(&[("prompt", "")])).await;
        let back = ana.chooses(&page, &citizen, Logement).await;
        let code = answered(&back, "code").unwrap_or_else(|| panic!("a code: {} {}", back.status, back.text()));
        let node = &keeper.nodes[turn % 2];
        let answer = node.exchanges(&code).await;
        if answer.status != 200 {
            tally.lost.borrow_mut().push(format!("{}: {}", answer.status, answer.body));
            continue;
        }
        let token = answer.json()["id_token"].as_str().unwrap().to_owned();
        let identity = keeper.nodes[(turn + 1) % 2].asks_identity(&access_token(&answer)).await;
        let set = keeper.set(&world, &ages).await;
        let client = &keeper.service.client.id;
        for signed in [&token, &identity.body] {
            match verified(signed, &set, &world.base, client) {
                Some(kid) => drop(tally.signed.borrow_mut().insert(kid)),
                None => tally.lost.borrow_mut().push(format!("{}: {signed} {:?}", identity.status, kids(&set))),
            }
        }
        if verified(&token, &first, &world.base, client).is_none() {
            tally.unknown_at_first.set(tally.unknown_at_first.get() + 1);
        }
        tally.whole.set(tally.whole.get() + 1);
    }
}

on_each_backend! {
    async fn b19_a_new_key_is_published_a_day_before_it_signs(world) {
        let (ana, service, citizen) = long(&world).await;
        let (other, address) = world.another_node().await;
        let elsewhere = service.at_node(&address);
        let client = service.client.id.clone();
        let begun = world.now();
        let alone = kids(&key_set(&service).await);
        assert!(wishes(&world, Wish::Asked).await);
        assert!(!wishes(&world, Wish::Asked).await, "one is prepared already");
        for node in [&world.app, &other] {
            tends(node, &usual()).await;
        }
        let kept = key_set(&elsewhere).await;
        assert_eq!((kids(&kept)[..1].to_vec(), kids(&kept).len()), (alone.clone(), 2), "the one that signs comes first");
        let second = kids(&kept)[1].clone();
        for (minutes, here, there) in [(0, &alone[0], &alone[0]), (24 * 60 + 1, &alone[0], &alone[0]), (24 * 60 + 2, &second, &alone[0])] {
            world.until(begun + TimeDelta::minutes(minutes));
            // The other node hears nothing meanwhile.
            tends(&world.app, &usual()).await;
            for (node, signer) in [(&service, here), (&elsewhere, there)] {
                let token = id_token(&ana, &citizen, &service, node).await;
                assert_eq!(verified(&token, &kept, &world.base, &client).as_ref(), Some(signer), "after {minutes} min");
                assert!(kids(&key_set(&service).await).contains(signer) && kids(&key_set(&elsewhere).await).contains(signer));
            }
        }
        tends(&other, &usual()).await;
        let token = id_token(&ana, &citizen, &service, &elsewhere).await;
        assert_eq!(verified(&token, &kept, &world.base, &client), Some(second));
    }

    async fn b19_every_step_of_a_key_is_told_once_and_its_private_part_does_not_outlive_it(world) {
        let (ana, service, citizen) = long(&world).await;
        let hint = id_token(&ana, &citizen, &service, &service).await;
        let (other, _) = world.another_node().await;
        let first = kids(&key_set(&service).await)[0].clone();
        let private = || world.database.number("select count(*) from signing_keys where length(private) > 0");
        let known = || world.app.provider.keys.read_hint::<Value>(&hint, Es256, &[], &world.base, &service.client.id);
        // By age alone, from the instant at which the first key was made.
        let (begun, second) = (BEGINNING.parse::<Instant>().unwrap(), TimeDelta::seconds(1));
        let (day, kept) = (TimeDelta::days(90), TimeDelta::days(30));
        let prepared = day - TimeDelta::days(1) - LAG;
        for (age, privates, hinted, newest) in [
            (prepared - second, 1, true, "active"),
            (prepared, 2, true, "prepared"),
            (day - second, 2, true, "prepared"),
            (day, 2, true, "active"),
            (day + LAG - second, 2, true, "active"),
            (day + LAG, 1, true, "active"),
            (day + kept - second, 1, true, "active"),
            (day + kept, 1, false, "active"),
        ] {
            world.until(begun + age);
            // Everybody at once, twice.
            let nodes = [&world.app, &other, &world.app, &other, &world.app, &other].map(|node| {
                let node = node.clone();
                spawn(async move { tends(&node, &usual()).await })
            });
            for node in nodes {
                node.await.unwrap();
            }
            tends(&world.app, &usual()).await;
            assert_eq!((private(), known().is_some()), (privates, hinted), "{age}");
            let state = world.database.texts("select state as value from signing_keys order by created_at desc limit 1");
            assert_eq!(state, [newest], "{age}");
        }
        let steps = told(&world, &first).await;
        let expected = [
            (Kind::KeyCreated, "active"),
            (Kind::KeyRetired, "retiring"),
            (Kind::KeyRetired, "verify_only"),
            (Kind::KeyRetired, "gone"),
        ];
        assert_eq!(steps, expected.map(|(kind, state)| (kind, state.to_owned())));
        let second = kids(&key_set(&service).await);
        assert_eq!(second.len(), 1);
        let expected = [(Kind::KeyCreated, "prepared"), (Kind::KeyActivated, "active")];
        assert_eq!(told(&world, &second[0]).await, expected.map(|(kind, state)| (kind, state.to_owned())));
    }

    /// Keys of both algorithms, each as old as the other.
    async fn keys_of_one_algorithm_do_not_wait_for_another(world) {
        for of in [Es256, Rs256] {
            keys::ensure(&world.app.store, of, world.now()).await.unwrap();
            assert!(keys::wish(&world.app.store, of, Wish::Asked, &usual(), world.now()).await.unwrap());
        }
        world.clock.advance(TimeDelta::days(1) + LAG);
        tends(&world.app, &usual()).await;
        for state in ["active", "retiring"] {
            let sql = format!("select algorithm as value from signing_keys where state = '{state}' order by algorithm");
            assert_eq!(world.database.texts(&sql), ["ES256", "RS256"], "{state}");
        }
    }

    async fn b19_in_an_emergency_every_node_reads_the_new_key_and_all_others_leave(world) {
        let (ana, service, citizen) = long(&world).await;
        let (other, address) = world.another_node().await;
        let elsewhere = service.at_node(&address);
        let stolen = kids(&key_set(&service).await)[0].clone();
        assert!(wishes(&world, Wish::Asked).await, "nobody knew yet");
        assert!(wishes(&world, Wish::Urgent).await);
        assert!(!wishes(&world, Wish::Urgent).await && !wishes(&world, Wish::Asked).await);
        for node in [&world.app, &other] {
            tends(node, &usual()).await;
        }
        assert_eq!((kids(&key_set(&elsewhere).await)[0].as_str(), kids(&key_set(&elsewhere).await).len()), (stolen.as_str(), 2));
        world.clock.advance(LAG);
        tends(&other, &usual()).await;
        let token = id_token(&ana, &citizen, &service, &elsewhere).await;
        let new = verified(&token, &key_set(&service).await, &world.base, &service.client.id).expect("known before it signed");
        assert_ne!(new, stolen);
        world.clock.advance(LAG);
        for _ in 0..2 {
            tends(&world.app, &usual()).await;
        }
        assert_eq!(kids(&key_set(&service).await), [new]);
    }

    /// J05: a node that mistakes the hour moves no key and forgets nothing. SQLite has no clock to compare a day too far with.
    async fn j05_a_node_whose_clock_is_wrong_moves_no_key(world) {
        let right = || async {
            match world.app.store.time().await.unwrap() {
                Time::Server(theirs) => theirs,
                Time::Recorded(newest) => newest.unwrap(),
            }
        };
        let prepared = || world.rows("signing_keys", "state = 'prepared'");
        let overdue = Ages { replaced: TimeDelta::days(-9), ..usual() };
        let ends = right().await;
        assert!(world.app.store.write(move |tx| seen::is_new(tx, &[7], ends)).await.unwrap());
        for (wrong, made) in [(TimeDelta::seconds(-60), 0), (TimeDelta::zero(), 1)] {
            world.until(right().await + wrong);
            upkeep::once(&world.app, &overdue).await;
            assert_eq!(prepared(), made);
        }
        world.until(right().await + TimeDelta::days(1) + LAG + LAG);
        upkeep::once(&world.app, &usual()).await;
        let on_sqlite = world.database.backend == Backend::Sqlite;
        assert_eq!((prepared() == 0, world.rows("seen_tokens", "true")), (on_sqlite, 1), "what ended a day ago is still known");
    }

    /// Two nodes, services that keep the key set as long as they may, and a key that is replaced every two seconds.
    async fn b19_no_sign_in_is_lost_while_keys_are_replaced(world) {
        let millis = TimeDelta::milliseconds;
        let ages = Ages { cached: millis(1_200), lag: millis(500), kept: TimeDelta::seconds(20), replaced: millis(2_000) };
        let service = world.plain_service().await;
        let opener = world.mediator("Ana Silva").await;
        let mut citizens = Vec::new();
        for citizen in CITIZENS {
            citizens.push(opener.opens_a_mandate_for(citizen, &[Logement], Year).await.citizen);
        }
        // They come last: openings take a while, and a code grows old.
        let mut people = Vec::new();
        for (name, citizen) in NAMES.into_iter().zip(citizens) {
            people.push((world.mediator(name).await, citizen));
        }
        let (other, address) = world.another_node().await;
        let until = world.now() + TimeDelta::seconds(8);
        let (world, tally) = (Rc::new(world), Rc::new(Tally::default()));
        let nodes = [service.clone(), service.at_node(&address)];
        let clock = spawn(time_passes(world.clone(), [world.app.clone(), other], ages, until));
        let began = std::time::Instant::now();
        let working: Vec<_> = people.into_iter().map(|(person, citizen)| {
            let (kept, fetched) = (RefCell::default(), Cell::default());
            let keeper = Rc::new(Keeper { service: service.clone(), nodes: nodes.clone(), kept, fetched });
            spawn(uses(world.clone(), person, citizen, keeper, tally.clone(), until, ages))
        }).collect();
        for one in working {
            one.await.unwrap();
        }
        let seconds = began.elapsed().as_secs_f64();
        clock.await.unwrap();
        let (whole, signed) = (tally.whole.get(), tally.signed.borrow().len());
        eprintln!("{whole} uses in {seconds:.1} s, {signed} keys signed, {} unknown to an old set", tally.unknown_at_first.get());
        assert_eq!(*tally.lost.borrow(), Vec::<String>::new());
        assert!(signed >= 3 && whole > 2 * signed, "{whole} uses, {signed} keys");
        assert!(tally.unknown_at_first.get() > 0, "a service that never reads again would have lost some");
    }
}

#[test]
fn what_is_known_of_the_keys_grows_old() {
    let ring = keys::KeyRing::default();
    std::thread::sleep(Duration::from_millis(2));
    assert!(ring.age() >= Duration::from_millis(2));
}
