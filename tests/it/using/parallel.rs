//! The same thing a hundred times at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use actix_web::rt::spawn;
use mandataire::credential::token_hash;
use mandataire::domain::event::Kind;
use mandataire::domain::id::FlowId;
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::store::{Db, Error, Tx, authenticators, flows, grants, journal, mandates, sign_in, traces};

use super::{access_token, beginning, codes};
use crate::on_each_backend;
use crate::world::Backend;
use crate::world::refused::{hold_none_of, reasons_of};
use crate::world::service::answered;

const MANY: usize = 100;
/// What a code becomes.
const TOKEN: grants::Token<'_> = grants::Token { hash: &[7; 32], proof: None, secret: None };

on_each_backend! {
    async fn a26_a_hundred_choices_at_once_give_one_code(world) {
        let (ana, service, opened) = beginning(&world).await;
        let page = ana.comes_from(&service.request()).await;
        let path = format!("{}/citizens/{}", page.url.path(), opened.citizen);
        let form = ana.sees(&path).await.form(&path).unwrap().with("procedure", "logement");
        let submit = |_| {
            let (browser, form) = (ana.browser.clone(), form.clone());
            spawn(async move { browser.submit(&form).await.unwrap() })
        };
        let before = world.journal().await;
        let (mut given, mut statuses) = (Vec::new(), BTreeMap::new());
        for answer in (0..MANY).map(submit).collect::<Vec<_>>() {
            let answer = answer.await.unwrap();
            given.extend(answered(&answer, "code"));
            *statuses.entry(answer.status).or_default() += 1;
        }
        assert_eq!((given.len(), codes(&world), statuses), (1, 1, BTreeMap::from([(303, 1), (409, MANY - 1)])));
        let written = world.written_since(&before).await;
        let refused = (Kind::SecurityRefused.code(), "flow_used");
        assert_eq!(reasons_of(&written), BTreeMap::from([(refused, MANY - 1)]));
        hold_none_of(&written, &[&given[0], form.value("csrf").unwrap()]);
    }

    async fn a_sign_in_that_nobody_can_answer_is_refused_once(world) {
        let (ana, service, _) = beginning(&world).await;
        let papers = r#"{"id_token":{"rep_scope":{"essential":true,"values":["Papier-Citoyenneté-Elections"]}}}"#;
        let begun = ana.browser.get(&service.request_with(&[("claims", papers)])).await.unwrap();
        let path = begun.location().unwrap().to_string();
        let look = |_| {
            let (browser, path) = (ana.browser.clone(), path.clone());
            spawn(async move { browser.get(&path).await.unwrap() })
        };
        let mut refused = 0;
        for page in (0..20).map(look).collect::<Vec<_>>() {
            let page = page.await.unwrap();
            match page.status {
                303 => refused += usize::from(answered(&page, "error").as_deref() == Some("access_denied")),
                other => assert!(other == 409 && page.body.contains("déjà terminée"), "{other}: {}", page.body),
            }
        }
        assert_eq!((refused, world.count(Kind::UseRefused).await, codes(&world)), (1, 1, 0));
    }

    /// A wrong presentation of a code that is being redeemed: whoever comes second presents a spent code, and is told apart in the journal.
    async fn b02_a_wrong_presentation_beside_a_right_one_is_a_replay(world) {
        let (ana, service, opened) = beginning(&world).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        if world.database.backend == Backend::Sqlite {
            // One writer: nothing is beside.
            assert_eq!(service.exchanges(&code).await.status, 200);
        } else {
            let database = world.database.again();
            let redeems = "begin; update grants set code_used_at = now(); select pg_sleep(1); commit";
            std::thread::spawn(move || database.execute(redeems).unwrap());
            actix_web::rt::time::sleep(std::time::Duration::from_millis(300)).await;
        }
        let wrong = service.token_with(&[("code", &code), ("redirect_uri", "https://elsewhere.example/"), ("grant_type", "authorization_code")]).await;
        assert_eq!((wrong.status, wrong.error().as_str()), (400, "invalid_grant"));
        assert_eq!((world.count(Kind::CodeReplayed).await, world.count(Kind::UseRefused).await), (1, 0));
        assert_eq!(world.database.number("select count(*) from grants where revoked_at is null"), 0);
    }

    async fn b02_a_hundred_exchanges_at_once_give_one_token_which_is_dead(world) {
        let (ana, service, opened) = beginning(&world).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let exchange = |_| {
            let (service, code) = (service.clone(), code.clone());
            spawn(async move { service.exchanges(&code).await })
        };
        let before = world.journal().await;
        let mut tokens = Vec::new();
        for answer in (0..MANY).map(exchange).collect::<Vec<_>>() {
            let answer = answer.await.unwrap();
            if answer.status == 200 {
                tokens.push(access_token(&answer));
            } else {
                assert_eq!((answer.status, answer.error().as_str()), (400, "invalid_grant"), "{}", answer.body);
            }
        }
        assert_eq!(tokens.len(), 1);
        let written = world.written_since(&before).await;
        let replayed = (Kind::CodeReplayed.code(), "code_replayed");
        assert_eq!(reasons_of(&written), BTreeMap::from([(replayed, MANY - 1)]));
        let secrets = [code.as_str(), &tokens[0], &service.secret];
        hold_none_of(&written, &secrets);
        let dead = world.refuses_once(service.asks_identity(&tokens[0]), (Kind::UseRefused, "grant_revoked"), &secrets).await;
        assert_eq!((dead.status, world.count(Kind::Use).await), (401, 0));
    }

    async fn c07_a_hundred_readings_at_once_issue_one_identity(world) {
        let (ana, service, opened) = beginning(&world).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let token = service.takes_a_token(&code).await;
        let ask = |_| {
            let (service, token) = (service.clone(), token.clone());
            spawn(async move { service.asks_identity(&token).await })
        };
        let before = world.journal().await;
        let mut issued = 0;
        for answer in (0..MANY).map(ask).collect::<Vec<_>>() {
            let answer = answer.await.unwrap();
            if answer.status == 200 {
                issued += 1;
            } else {
                assert_eq!((answer.status, answer.error().as_str()), (401, "invalid_token"), "{}", answer.body);
            }
        }
        assert_eq!((issued, world.database.number("select count(*) from uses")), (1, 1));
        let written = world.written_since(&before).await;
        let mut reasons = reasons_of(&written);
        assert_eq!(reasons.remove(&(Kind::Use.code(), "")), Some(1), "one use");
        // The first of the others presents a token that was used; it revokes what the code gave, so that the rest present a revoked one.
        let mut refused = |reason| reasons.remove(&(Kind::UseRefused.code(), reason)).unwrap_or_default();
        let (used, revoked) = (refused("token_used"), refused("grant_revoked"));
        assert!(used > 0 && used + revoked == MANY - 1 && reasons.is_empty(), "{used} {revoked} {reasons:?}");
        hold_none_of(&written, &[&code, &token, "LEMOINE"]);
    }

    /// Each node writes by itself, so that only the database keeps them apart.
    async fn two_nodes_give_one_token_for_a_code_and_one_identity_for_a_token(world) {
        let (ana, service, opened) = beginning(&world).await;
        let (_other, address) = world.another_node().await;
        let nodes = [service.clone(), service.at_node(&address)];
        for turn in 1..=3 {
            let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
            let exchanges = (0..8).map(|at| {
                let (node, code) = (nodes[at % 2].clone(), code.clone());
                spawn(async move { node.exchanges(&code).await.status })
            });
            let mut given = 0;
            for answer in exchanges.collect::<Vec<_>>() {
                given += usize::from(answer.await.unwrap() == 200);
            }
            assert!(given <= 1, "{given} tokens");
            let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
            let token = service.takes_a_token(&code).await;
            let readings = (0..8).map(|at| {
                let (node, token) = (nodes[at % 2].clone(), token.clone());
                spawn(async move { node.asks_identity(&token).await.status })
            });
            for answer in readings.collect::<Vec<_>>() {
                answer.await.unwrap();
            }
            assert_eq!(world.database.number("select count(*) from uses"), turn);
        }
    }

    /// Whoever comes second is told so by the database, whatever both read before.
    async fn what_is_spent_is_spent_for_one_caller(world) {
        let (ana, service, opened) = beginning(&world).await;
        let token = access_token(&service.exchanges(&ana.gets_a_code(&service, &opened.citizen, Logement).await).await);
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let page = ana.comes_from(&service.request()).await;
        let flow: FlowId = page.url.path().trim_start_matches("/provider/").parse().unwrap();
        let elsewhere = ana.on_another_machine();
        let link = elsewhere.opens_a_new_link().await;
        let link = link.form("/sign-in/link").unwrap().value("token").unwrap().to_owned();
        let (account, now) = (ana.account.clone(), world.now());
        let store = &world.app.store;
        let codes = account.clone();
        let hashes = move |tx: &mut Tx<'_>| authenticators::set_recovery_codes(tx, &codes, &["a hash".to_owned()]);
        store.write(hashes).await.unwrap();
        let flow = store.read(move |db| flows::find(db, &flow)).await.unwrap();
        for first in [true, false] {
            let (code, token, flow) = (token_hash(&code), token_hash(&token), flow.clone());
            let spent = [
                store.write(move |tx| grants::redeem(tx, &code, &TOKEN, now)).await,
                store.write(move |tx| grants::spend_token(tx, &token, now)).await,
                store.write(move |tx| flows::spend(tx, &flow, now)).await,
            ];
            let expected = |one: &Result<(), Error>| if first { one.is_ok() } else { matches!(one, Err(Error::Conflict)) };
            assert!(spent.iter().all(expected), "{first} {spent:?}");
            let (link, account) = (token_hash(&link), account.clone());
            let told = store.write(move |tx| {
                let code = authenticators::spend_recovery_code(tx, &account, 0, now)?;
                Ok::<_, Error>([sign_in::spend(tx, &link, now)?, code])
            });
            assert_eq!(told.await.unwrap(), [first; 2]);
        }
    }

    /// What a decision rests on is demanded by the statement that writes it: an authorisation that ended in between keeps all of it back.
    /// SQLite has one writer, so that nothing ends in between.
    async fn a_decision_is_kept_only_if_what_it_rests_on_still_stands(world) {
        let (ana, _, opened) = beginning(&world).await;
        let (organisation, mandate, now) = (world.organisation.clone(), opened.mandate.clone(), world.now());
        let held = move |db: &mut Db<'_>| mandates::held_by(db, &organisation, &mandate);
        let found = world.app.store.read(held).await.unwrap();
        let authorisation = found.authorisations[0].id.clone();
        let (database, ends) = (world.database.again(), world.database.backend == Backend::Postgres);
        let (decided, account) = (Arc::new(AtomicU32::new(0)), ana.account.clone());
        let times = decided.clone();
        let kept = world.app.store.decide(move |tx| {
            let time = times.fetch_add(1, Ordering::Relaxed);
            mandates::demand_open(tx, &authorisation);
            if time == 2 {
                // Whatever waits is written before a reading, and may find there that something changed.
                journal::list_forward(tx, &journal::Filter::default(), None, 1)?;
            }
            traces::keep(tx, &account, None, "192.0.2.7:1234", now)?;
            if ends {
                let sql = format!(
                    "update authorisations set ended_at = now(), ended_kind = 'revoked' where id = '{authorisation}'"
                );
                database.execute(&sql).unwrap();
            }
            Ok::<_, Error>(())
        });
        let (kept, traces) = (kept.await, world.database.number("select count(*) from traces where citizen is null"));
        if ends {
            assert!(matches!(kept, Err(Error::Conflict)), "{kept:?}");
            assert_eq!((traces, decided.load(Ordering::Relaxed)), (0, 4));
        } else {
            assert_eq!((kept.is_ok(), traces, decided.load(Ordering::Relaxed)), (true, 1, 1));
        }
    }
}
