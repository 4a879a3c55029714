//! The same thing a hundred times at once.

use actix_web::rt::spawn;
use mandataire::credential::token_hash;
use mandataire::domain::event::Kind;
use mandataire::domain::id::FlowId;
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::store::{Error, authenticators, flows, grants, sign_in};

use super::{access_token, beginning, codes};
use crate::on_each_backend;
use crate::world::service::answered;

const MANY: usize = 100;

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
        let mut given = 0;
        for answer in (0..MANY).map(submit).collect::<Vec<_>>() {
            let answer = answer.await.unwrap();
            let code = answered(&answer, "code").is_some();
            assert!(code || matches!(answer.status, 409 | 503), "{}", answer.status);
            given += usize::from(code);
        }
        assert_eq!((given, codes(&world)), (1, 1));
    }

    async fn b02_a_hundred_exchanges_at_once_give_one_token_which_is_dead(world) {
        let (ana, service, opened) = beginning(&world).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let exchange = |_| {
            let (service, code) = (service.clone(), code.clone());
            spawn(async move { service.exchanges(&code).await })
        };
        let mut tokens = Vec::new();
        for answer in (0..MANY).map(exchange).collect::<Vec<_>>() {
            let answer = answer.await.unwrap();
            match answer.status {
                200 => tokens.push(access_token(&answer)),
                400 => assert_eq!(answer.error(), "invalid_grant"),
                other => assert_eq!(other, 503, "{}", answer.body),
            }
        }
        assert_eq!(tokens.len(), 1);
        assert_eq!(service.asks_identity(&tokens[0]).await.status, 401);
        assert_eq!(world.count(Kind::Use).await, 0);
        assert!(world.count(Kind::CodeReplayed).await > 0);
    }

    async fn c07_a_hundred_readings_at_once_issue_one_identity(world) {
        let (ana, service, opened) = beginning(&world).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let token = access_token(&service.exchanges(&code).await);
        let ask = |_| {
            let (service, token) = (service.clone(), token.clone());
            spawn(async move { service.asks_identity(&token).await.status })
        };
        let mut issued = 0;
        for answer in (0..MANY).map(ask).collect::<Vec<_>>() {
            issued += usize::from(answer.await.unwrap() == 200);
        }
        assert_eq!((issued, world.count(Kind::Use).await), (1, 1));
        assert_eq!(world.database.number("select count(*) from uses"), 1);
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
            let token = access_token(&service.exchanges(&code).await);
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
        let told = world.app.store.write(move |tx| {
            authenticators::set_recovery_codes(tx, &account, &["a hash".to_owned()])?;
            let mut told = Vec::new();
            for _ in 0..2 {
                told.push([
                    grants::spend_code(tx, &token_hash(&code), now)?,
                    grants::spend_token(tx, &token_hash(&token), now)?,
                    flows::spend(tx, &flow, now)?,
                    sign_in::spend(tx, &token_hash(&link), now)?,
                    authenticators::spend_recovery_code(tx, &account, 0, now)?,
                ]);
            }
            Ok::<_, Error>(told)
        });
        assert_eq!(told.await.unwrap(), [[true; 5], [false; 5]]);
    }
}
