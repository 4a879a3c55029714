//! Several providers identify citizens: each with its own addresses, its own draft and its own troubles.

use chrono::TimeDelta;
use mandataire::demo::browser::Page;
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::term::Term::Day;
use mandataire::oidc::relying_party::Patience;

use crate::hostile::{Hostile, Recipient, Signer};
use crate::on_each_backend;
use crate::world::World;
use crate::world::actor::Actor;
use crate::world::stub::parameter;

const PLUS: &str = "/providers/plus";

/// FranceConnect and another provider.
async fn two(world: World) -> (World, Hostile, Hostile) {
    let stub = || Hostile::start(&world.clock, Signer::es256());
    let (fc, plus) = (stub(), stub());
    let providers = [("franceconnect", &fc), ("plus", &plus)];
    let world = world.with_providers(&providers, Patience::default(), |_, _| ()).await;
    (world, fc, plus)
}

/// The form of an opening, sent with the button of a provider.
async fn leaves_for(actor: &Actor, provider: &str) -> Page {
    let page = actor.sees("/mandates/new").await;
    let form = actor.wakes_up(page).await.form("/mandates/drafts").unwrap().without("procedures");
    let form = form.also("procedures", Logement.key()).with("term", Day.key());
    actor.sends(&form.with("provider", provider)).await
}

/// Comes back to the addresses at `home`, from a stub whose citizen signed in, with the issuer `iss`.
async fn comes_back(actor: &Actor, home: &str, fc: &Hostile, gone: &Page, iss: &str) -> Page {
    fc.nonce(&parameter(gone, "nonce"));
    let state = parameter(gone, "state");
    actor.returns_to(home, fc, &[("code", "a-code"), ("state", &state), ("iss", iss)]).await
}

on_each_backend! {
    /// One button for each, and each brings its own citizens.
    async fn each_provider_identifies_at_its_own_address(world) {
        let (world, fc, plus) = two(world).await;
        let ana = world.mediator("Ana Silva").await;
        let page = ana.sees("/mandates/new").await;
        assert!(page.text().contains("Identifier la personne avec FranceConnect"), "{}", page.text());
        assert!(page.text().contains("Identifier la personne avec Fournisseur plus"), "{}", page.text());
        for (provider, home, stub) in [("franceconnect", "/franceconnect", &fc), ("plus", PLUS, &plus)] {
            let gone = leaves_for(&ana, provider).await;
            assert!(gone.url.as_str().starts_with(&format!("{}/authorize?", stub.issuer)), "{}", gone.url);
            assert_eq!(parameter(&gone, "redirect_uri"), world.at(&format!("{home}/callback")));
            let page = comes_back(&ana, home, stub, &gone, &stub.issuer).await;
            assert!(page.url.path().starts_with("/agreements/"), "{}", page.text());
            assert_eq!(stub.seen("/session/end").len(), 1, "it is signed out where it was signed in");
        }
        assert_eq!((fc.seen("/token").len(), plus.seen("/token").len()), (1, 1));
        // One subject of two issuers is two citizens, and the second is said to be of the same identity.
        assert_eq!(world.rows("citizens", "1 = 1"), 2);
        assert_eq!((world.count(Kind::IdentityShared).await, world.count(Kind::IdentityChanged).await), (1, 0));
    }

    /// E05: a code of one provider is never presented to another, whatever the callback says.
    async fn e05_a_mix_up_between_two_providers_goes_nowhere(world) {
        let (world, fc, plus) = two(world).await;
        let ana = world.mediator("Ana Silva").await;
        let gone = leaves_for(&ana, "plus").await;
        for (home, iss) in [
            (PLUS, fc.issuer.as_str()), ("/franceconnect", &plus.issuer), ("/franceconnect", &fc.issuer), (PLUS, ""),
        ] {
            assert_eq!(comes_back(&ana, home, &plus, &gone, iss).await.status, 400, "{home} {iss}");
        }
        for home in ["/providers/franceconnect", "/providers/other", "/providers/PLUS"] {
            assert_eq!(comes_back(&ana, home, &plus, &gone, &plus.issuer).await.status, 404, "{home}");
        }
        assert_eq!(fc.seen("/token").len() + plus.seen("/token").len(), 0, "the code went nowhere");
        let errors = [("error", "access_denied"), ("state", &parameter(&gone, "state"))];
        assert_eq!(ana.returns_to("/franceconnect", &plus, &errors).await.status, 400, "nor is the draft taken");
        let page = comes_back(&ana, PLUS, &plus, &gone, &plus.issuer).await;
        assert!(page.url.path().starts_with("/agreements/"), "the draft waited: {}", page.text());
    }

    /// E05: even if a provider lies about its issuer, its tokens are another's.
    async fn e05_a_token_of_one_provider_is_no_token_of_the_other(world) {
        let (world, fc, plus) = two(world).await;
        let ana = world.mediator("Ana Silva").await;
        let honest = fc.issuer.clone();
        plus.id_token(move |token| token.payload["iss"] = serde_json::json!(honest));
        let gone = leaves_for(&ana, "plus").await;
        assert_eq!(comes_back(&ana, PLUS, &plus, &gone, &plus.issuer).await.status, 502);
        let of_the_other = fc.signer();
        plus.id_token(move |token| token.signer = of_the_other.clone());
        let gone = leaves_for(&ana, "plus").await;
        assert_eq!(comes_back(&ana, PLUS, &plus, &gone, &plus.issuer).await.status, 502);
        let mut reasons = world.reasons(Kind::IdentificationRefused).await;
        reasons.sort_unstable();
        assert_eq!(reasons, ["refused_issuer", "refused_signature"]);
    }

    /// E18: neither the database nor the configuration makes us ask another machine.
    async fn e18_what_is_written_into_the_database_or_the_configuration_leads_nowhere_else(world) {
        let (world, fc, plus) = two(world).await;
        let ana = world.mediator("Ana Silva").await;
        let elsewhere = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        elsewhere.set_nonblocking(true).unwrap();
        let origin = format!("http://{}", elsewhere.local_addr().unwrap());
        for forced in [origin.as_str(), "http://169.254.169.254/latest", "../franceconnect", "other", ""] {
            let gone = leaves_for(&ana, "plus").await;
            world.database.execute(&format!("update drafts set provider = '{forced}' where stage = 'started'")).unwrap();
            for (home, stub) in [(PLUS, &plus), ("/franceconnect", &fc)] {
                let back = comes_back(&ana, home, &plus, &gone, &stub.issuer);
                let (state, nonce) = (parameter(&gone, "state"), parameter(&gone, "nonce"));
                let page = world.refuses_once(back, (Kind::SecurityRefused, "malformed_state"), &[&state, &nonce, "a-code"]).await;
                assert_eq!(page.status, 400, "{forced} {home}: {}", page.text());
            }
        }
        assert_eq!((fc.seen("/token").len(), plus.seen("/token").len()), (0, 0), "no code was presented");
        assert!(elsewhere.accept().is_err(), "nobody was asked");
        world.has_no_mandate().await;
        for (forced, starts) in [
            ("https://oidc.franceconnect.gouv.fr", true), (origin.as_str(), false), ("https://127.0.0.1", false),
            ("https://169.254.169.254", false), ("https://franceconnect.internal", false),
        ] {
            let mut config = crate::world::config("https://mandataire.example.fr", forced, &world.database);
            config.development = false;
            let made = mandataire::app::assemble(
                &config, secrecy::SecretString::from("s".repeat(40)).into(), world.app.store.clone(), world.clock.clone(),
                world.random.clone(),
            );
            match made.await {
                Ok(_) => assert!(starts, "{forced}"),
                Err(error) => assert!(!starts && matches!(error, mandataire::app::StartError::RelyingParty(_)), "{error}"),
            }
        }
        assert!(elsewhere.accept().is_err(), "nobody was asked");
    }

    /// A button that is on no form.
    async fn a_provider_that_is_not_offered_is_not_asked(world) {
        let (world, fc, plus) = two(world).await;
        let ana = world.mediator("Ana Silva").await;
        assert_eq!(leaves_for(&ana, "other").await.status, 400);
        assert_eq!((fc.requests(), plus.requests(), world.rows("drafts", "1 = 1")), (0, 0, 0));
        assert_eq!(world.reasons(Kind::SecurityRefused).await, ["malformed_provider"]);
    }

    /// A provider is down: the form says so at once, and everything else goes on, the other provider included.
    async fn a_provider_that_is_down_is_said_and_holds_nobody_up(world) {
        let (world, fc, plus) = two(world).await;
        let ana = world.mediator("Ana Silva").await;
        let down = "Fournisseur plus ne répond pas en ce moment";
        plus.reply(|_, reply| reply.status = 503);
        for _ in 0..3 {
            assert_eq!(leaves_for(&ana, "plus").await.status, 502);
        }
        let before = plus.requests();
        assert!(ana.sees("/mandates/new").await.text().contains(down));
        let page = leaves_for(&ana, "plus").await;
        assert_eq!((page.status, super::kept(&page).0), (502, vec!["logement".to_owned()]));
        assert!(page.text().contains(down));
        assert_eq!(plus.requests(), before, "it is left alone");
        let gone = leaves_for(&ana, "franceconnect").await;
        let page = comes_back(&ana, "/franceconnect", &fc, &gone, &fc.issuer).await;
        assert!(page.url.path().starts_with("/agreements/"), "{}", page.text());
        for path in ["/home", "/citizens"] {
            assert_eq!(ana.sees(path).await.status, 200, "{path}");
        }
        plus.reply(|_, _| ());
        world.clock.advance(TimeDelta::seconds(30));
        assert!(!ana.sees("/mandates/new").await.text().contains(down));
        let gone = leaves_for(&ana, "plus").await;
        let page = comes_back(&ana, PLUS, &plus, &gone, &plus.issuer).await;
        assert!(page.url.path().starts_with("/agreements/"), "{}", page.text());
    }

    /// E16: a session left open at one provider is still said after another one was closed.
    async fn e16_each_provider_has_its_own_open_session(world) {
        let (world, fc, plus) = two(world).await;
        let ana = world.mediator("Ana Silva").await;
        leaves_for(&ana, "plus").await;
        let gone = leaves_for(&ana, "franceconnect").await;
        comes_back(&ana, "/franceconnect", &fc, &gone, &fc.issuer).await;
        let page = ana.sees("/mandates/new").await;
        assert!(page.text().contains("La session Fournisseur plus de la personne précédente"), "{}", page.text());
        let gone = leaves_for(&ana, "plus").await;
        comes_back(&ana, PLUS, &plus, &gone, &plus.issuer).await;
        assert!(!ana.sees("/mandates/new").await.text().contains("de la personne précédente"));
    }

    /// A provider of an organisation's own, without a sign-out: the citizen goes on, and the warning stays.
    async fn a_provider_without_a_sign_out_leaves_a_warning(world) {
        let fc = Hostile::start(&world.clock, Signer::es256());
        fc.discovery(|document| drop(document.as_object_mut().unwrap().remove("end_session_endpoint")));
        let world = world
            .with_providers(&[("own", &fc)], Patience::default(), |_, settings| settings.logout = false)
            .await;
        let ana = world.mediator("Ana Silva").await;
        let gone = leaves_for(&ana, "own").await;
        let page = comes_back(&ana, "/providers/own", &fc, &gone, &fc.issuer).await;
        assert!(page.url.path().starts_with("/agreements/"), "{}", page.text());
        assert!(ana.sees("/mandates/new").await.text().contains("La session Fournisseur own de la personne"));
    }

    /// FranceConnect+: what it encrypts to is published, and what it encrypts is opened.
    async fn a_provider_that_encrypts_finds_our_key_and_is_understood(world) {
        let (fc, recipient) = (Hostile::start(&world.clock, Signer::es256()), Recipient::ec());
        let keys = recipient.keys.clone();
        let change = move |_: &str, settings: &mut mandataire::oidc::relying_party::Settings| {
            settings.decryption = Some(keys.clone());
        };
        let world = world.with_providers(&[("plus", &fc)], Patience::default(), change).await;
        let sealing = recipient.clone();
        fc.seal(move |_, token| sealing.seal(&token));
        let ana = world.mediator("Ana Silva").await;
        let published = ana.on_another_machine().gets("/providers/plus/jwks").await;
        assert_eq!(published.status, 200);
        let published: serde_json::Value = serde_json::from_str(&published.body).unwrap();
        assert_eq!(published, serde_json::json!({"keys": [recipient.jwk]}));
        for nothing in ["/franceconnect/jwks", "/providers/other/jwks"] {
            assert_eq!(ana.gets(nothing).await.status, 404, "{nothing}");
        }
        let gone = leaves_for(&ana, "plus").await;
        let page = comes_back(&ana, PLUS, &fc, &gone, &fc.issuer).await;
        assert!(page.url.path().starts_with("/agreements/"), "{}", page.text());
        let [ended] = fc.seen("/session/end").try_into().ok().unwrap();
        assert_eq!(ended.path, "/session/end");
    }
}
