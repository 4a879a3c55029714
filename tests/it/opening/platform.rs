//! FranceConnect fails at the counter: the form comes back as it was, with a sentence that says whether to try again.

use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::{Justice, Logement};
use mandataire::domain::term::Term::Month;
use serde_json::json;

use super::kept;
use crate::hostile::{Hostile, Reply, Signer};
use crate::on_each_backend;
use crate::world::World;
use crate::world::stub::{PATIENCE, claims};

const AGAIN: &str = "vous pouvez réessayer";
const IN_VAIN: &str = "Réessayer donnerait le même résultat";

/// One failure: what goes wrong, what the journal calls it, what the page says.
struct Failure {
    wrong: fn(&Hostile),
    reason: &'static str,
    sentence: &'static str,
}

fn at_token(fc: &Hostile, alter: fn(&mut Reply)) {
    fc.reply(move |path, reply| {
        if path == "/token" {
            alter(reply);
        }
    });
}

const FAILURES: &[Failure] = &[
    Failure {
        wrong: |fc| {
            at_token(fc, |reply| {
                reply.status = 400;
                reply.body = br#"{"error":"invalid_grant","error_description":"a-secret-detail"}"#.to_vec();
            });
        },
        reason: "refused_code",
        sentence: AGAIN,
    },
    Failure { wrong: |fc| at_token(fc, |reply| reply.status = 503), reason: "unavailable_failing", sentence: AGAIN },
    Failure {
        wrong: |fc| at_token(fc, |reply| reply.delay = PATIENCE * 2),
        reason: "unavailable_timeout",
        sentence: AGAIN,
    },
    Failure {
        wrong: |fc| at_token(fc, |reply| reply.content_type("text/html")),
        reason: "unavailable_content_type",
        sentence: AGAIN,
    },
    Failure {
        wrong: |fc| at_token(fc, |reply| reply.body = b"{\"access_token\":".to_vec()),
        reason: "unavailable_malformed",
        sentence: AGAIN,
    },
    Failure {
        wrong: |fc| fc.id_token(|token| token.signer = Signer::Fixed(vec![0; 64])),
        reason: "refused_signature",
        sentence: IN_VAIN,
    },
    Failure {
        wrong: |fc| fc.id_token(|token| token.payload["nonce"] = json!("another")),
        reason: "refused_nonce",
        sentence: IN_VAIN,
    },
    Failure {
        wrong: |fc| fc.userinfo(|token| token.payload["sub"] = json!("another")),
        reason: "refused_other_subject",
        sentence: IN_VAIN,
    },
    Failure { wrong: |fc| fc.citizen(claims(&json!({"birthplace": null}))), reason: "incomplete", sentence: IN_VAIN },
    Failure { wrong: |fc| fc.citizen(claims(&json!({"email": null}))), reason: "incomplete", sentence: IN_VAIN },
];

/// Failures after the ID token was found to be true: FranceConnect has a session open then.
const AFTER_THE_TOKEN: [&str; 2] = ["refused_other_subject", "incomplete"];

/// A failure leaves no citizen behind: copying every row would break the key, if there were one.
async fn nothing_is_known(world: &World) {
    assert_eq!(world.count(Kind::CitizenIdentified).await, 0);
    world.has_no_mandate().await;
    world.database.execute("insert into citizens select * from citizens").unwrap();
}

on_each_backend! {
    /// E03, E04, E09, E12, E13: every failure, one after the other, at one desk.
    async fn e13_a_failure_of_franceconnect_gives_the_form_back_and_says_whether_to_try_again(world) {
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        let mut ended = 0;
        for failure in FAILURES {
            world.after(1);
            let gone = ana.starts_an_opening(&[Logement, Justice], Month).await;
            (failure.wrong)(&fc);
            let page = ana.comes_back(&fc, &gone).await;
            fc.reply(|_, _| ());
            fc.id_token(|_| ());
            fc.userinfo(|_| ());
            fc.citizen(claims(&json!({})));
            let chosen = vec!["logement".to_owned(), "justice".to_owned()];
            assert_eq!(kept(&page), (chosen, Some("month".to_owned())), "{}", failure.reason);
            // Once its token is known to be true, FranceConnect has a session open, which is closed whatever went wrong then.
            let closed = fc.seen("/session/end").len() > ended;
            ended = fc.seen("/session/end").len();
            assert_eq!(page.status, if closed { 422 } else { 502 }, "{}", failure.reason);
            assert_eq!(closed, AFTER_THE_TOKEN.contains(&failure.reason), "{}", failure.reason);
            assert!(page.text().contains(failure.sentence), "{}: {}", failure.reason, page.text());
            assert!(!page.body.contains("a-secret-detail") && !page.body.contains("DUBOIS"));
        }
        let reasons: Vec<_> = FAILURES.iter().map(|failure| failure.reason).collect();
        assert_eq!(world.reasons(Kind::IdentificationRefused).await, reasons);
        nothing_is_known(&world).await;
    }
}

#[actix_web::test]
async fn e13_the_form_given_back_works_once_franceconnect_does() {
    let (world, fc) = World::on_sqlite().await.with_franceconnect().await;
    let ana = world.mediator("Ana Silva").await;
    let gone = ana.starts_an_opening(&[Logement], Month).await;
    at_token(&fc, |reply| reply.status = 503);
    let page = ana.comes_back(&fc, &gone).await;
    fc.reply(|_, _| ());
    let gone = ana.sends(&page.form("/mandates/drafts").unwrap()).await;
    assert!(ana.comes_back(&fc, &gone).await.url.path().starts_with("/agreements/"));
}
