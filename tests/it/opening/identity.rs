//! Who the citizen is: FranceConnect's subject and nothing else; the names byte for byte.

use mandataire::domain::citizen::Identity;
use mandataire::domain::event::Kind;
use mandataire::domain::id::CitizenId;
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::term::Term::Day;
use mandataire::store::{citizens, mandates};
use serde_json::{Value, json};

use crate::hostile::Hostile;
use crate::on_each_backend;
use crate::world::World;
use crate::world::actor::{Actor, Opened};
use crate::world::stub::claims;

async fn opens(ana: &Actor, fc: &Hostile) -> Opened {
    let page = ana.identifies(fc, &[Logement], Day).await;
    let recap = ana.citizen_answers(&page, "agree", true).await;
    let page = ana.sends(&ana.fills_in(&recap).await).await;
    assert_eq!(page.status, 200, "{}", page.text());
    let citizen = page.link("/citizens/cit_").expect("a link to the citizen");
    let part = |path: &str, start: &str| path.trim_start_matches(start).to_owned();
    Opened {
        mandate: part(page.url.path(), "/mandates/").parse().unwrap(),
        citizen: part(citizen.path(), "/citizens/").parse().unwrap(),
    }
}

async fn stored(world: &World, citizen: &CitizenId) -> Identity {
    let id = citizen.clone();
    world.app.store.read(move |db| citizens::find(db, &id)).await.unwrap().identity
}

/// The shapes of civil status that go wrong in real services.
fn people() -> Vec<Value> {
    vec![
        json!({"sub": "corsica", "given_name": "Anghjula Maria", "family_name": "PAOLI", "birthplace": "2A004"}),
        json!({"sub": "abroad", "given_name": "Awa", "birthplace": "", "birthcountry": "99341"}),
        json!({"sub": "presumed", "birthdate": "1980-00-00", "idp_birthdate": "1980-00-00"}),
        json!({"sub": "month", "birthdate": "1992-11-00", "idp_birthdate": "1992-11-00"}),
        json!({"sub": "gender", "gender": "unspecified", "preferred_username": null}),
        json!({"sub": "rtl", "given_name": "ليلى", "family_name": "بن يوسف", "preferred_username": null}),
        json!({"sub": "bidi", "given_name": "Zoe\u{301} \u{202e}\u{200d}\u{1f642}", "family_name": "N\u{2019}Guyễn"}),
        json!({"sub": "nfc", "given_name": "Zo\u{e9}", "family_name": "O'CONNOR-LE GOFF & <b>fils</b>"}),
        json!({"sub": "long", "given_name": "É".repeat(256), "family_name": "{term} {procedures}"}),
        json!({"sub": "null", "given_name": "NULL", "family_name": "None", "preferred_username": "undefined"}),
        json!({"sub": "short", "given_name": "A", "family_name": "É"}),
        json!({"sub": "sql", "given_name": "Robert'); drop table citizens;--", "family_name": "%_\\"}),
    ]
}

on_each_backend! {
    /// What FranceConnect vouched for on the day is kept with the mandate, and told to services.
    async fn how_sure_one_was_of_the_citizen_stays_with_the_mandate(world) {
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        let service = world.plain_service().await;
        for level in ["eidas1", "eidas3"] {
            fc.id_token(move |token| token.payload["acr"] = json!(level));
            let opened = opens(&ana, &fc).await;
            let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
            let token = service.exchanges(&code).await.json();
            let told = crate::world::service::claims(token["id_token"].as_str().unwrap());
            assert_eq!(told["mandate"]["agreement"], json!({ "acr": level, "method": "in_person" }));
            assert_eq!(told["acr"], "eidas1", "the mediator is who they were");
        }
    }

    /// J07, J08: what FranceConnect sent is what is stored, written in the document and read on the page.
    async fn j08_an_identity_is_kept_byte_for_byte(world) {
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        for person in people() {
            let sent = claims(&person);
            fc.citizen(sent.clone());
            let opened = opens(&ana, &fc).await;
            let identity = stored(&world, &opened.citizen).await;
            let text = |name: &str| sent[name].as_str().unwrap_or_default().to_owned();
            assert_eq!(identity.given_name, text("given_name"));
            assert_eq!(identity.family_name, text("family_name"));
            assert_eq!(identity.preferred_username.clone().unwrap_or_default(), text("preferred_username"));
            assert_eq!(identity.birthdate.as_str(), text("idp_birthdate"));
            assert_eq!(identity.gender.as_str(), text("gender"));
            assert_eq!(identity.birthplace.map(|place| place.as_str().to_owned()).unwrap_or_default(), text("birthplace"));
            assert_eq!((identity.birthcountry.as_str(), identity.email), (text("birthcountry").as_str(), text("email")));
            let mandate = world.mandate(&world.organisation, &opened.mandate).await;
            let document = world.app.store.read(move |db| mandates::document(db, &mandate)).await.unwrap();
            assert!(document.text.contains(&format!("{} {}", text("given_name"), text("family_name"))), "{person}");
            let born = text("idp_birthdate");
            assert!(document.text.contains(born.get(..4).unwrap()), "{person}: the document tells it in words");
            let page = ana.sees(&format!("/citizens/{}", opened.citizen)).await;
            assert!(page.text().contains(&text("given_name")), "{person}: {}", page.text());
            assert!(!page.body.contains("<b>fils"), "names are text");
        }
    }

    /// J07: a birthdate is text: the first year, an unknown month, the last second of 32 bits. What is no date is refused, and nothing breaks.
    async fn j07_birthdates_that_surprise_programs(world) {
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        for born in ["0001-01-01", "0001-00-00", "1900-02-28", "1904-02-29", "1969-12-31", "1992-00-00", "1992-02-00", "2000-02-29"] {
            fc.citizen(claims(&json!({"sub": born, "birthdate": born, "idp_birthdate": born})));
            let opened = opens(&ana, &fc).await;
            assert_eq!(stored(&world, &opened.citizen).await.birthdate.as_str(), born);
            let page = ana.sees(&format!("/citizens/{}", opened.citizen)).await;
            assert!(page.status == 200 && page.text().contains(born.trim_start_matches('0').get(..1).unwrap()), "{born}");
        }
        let mut expected = Vec::new();
        for (born, reason) in [
            ("1900-02-29", "incomplete"), ("1992-00-12", "incomplete"), ("1992-13-01", "incomplete"), ("0000-00-00", "incomplete"),
            ("1992-1-1", "incomplete"), ("19920101", "incomplete"), ("", "incomplete"), ("-001-01-01", "incomplete"),
            ("12026-01-01", "incomplete"), ("2038-01-19", "minor"), ("9999-12-31", "minor"), ("9999-00-00", "minor"),
        ] {
            // Entries of one millisecond have no order.
            world.after(1);
            fc.citizen(claims(&json!({"sub": "x", "birthdate": born, "idp_birthdate": born})));
            let page = ana.identifies(&fc, &[Logement], Day).await;
            assert_eq!(page.status, 422, "{born}: {}", page.text());
            expected.push(reason);
        }
        assert_eq!(world.reasons(Kind::IdentificationRefused).await, expected);
    }

    /// E17: the same subject with another civil status is the same citizen, and a fact in the journal.
    async fn e17_another_identity_under_a_known_subject_is_written_down(world) {
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        let first = opens(&ana, &fc).await;
        assert_eq!(world.count(Kind::IdentityChanged).await, 0);
        fc.citizen(claims(&json!({"preferred_username": "DURAND", "email": "angela@ailleurs.example.fr"})));
        let second = opens(&ana, &fc).await;
        assert_eq!(second.citizen, first.citizen);
        let changed = world.entries(Kind::IdentityChanged).await;
        assert_eq!(changed.len(), 1);
        assert_eq!(changed[0]["citizen"], first.citizen.as_str());
        assert!(!format!("{changed:?}").contains("DURAND"));
        assert_eq!(stored(&world, &first.citizen).await.preferred_username.as_deref(), Some("DURAND"));
        let third = opens(&ana, &fc).await;
        assert_eq!((third.citizen, world.count(Kind::IdentityChanged).await), (first.citizen, 1));
        let found = ana.sees("/citizens?q=durand").await;
        assert!(found.text().contains("DURAND"), "{}", found.text());
    }

    /// E17: the same person under another subject is another citizen, and a fact in the journal: nothing is ever merged.
    async fn e17_citizens_are_never_merged_by_address_or_name(world) {
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        let first = opens(&ana, &fc).await;
        assert_eq!(world.count(Kind::IdentityShared).await, 0);
        // Another writing of the same names, another address, another name in use.
        fc.citizen(claims(&json!({
            "sub": "another-subject", "given_name": "ANGELA claire-louise", "family_name": "Dubois",
            "preferred_username": null, "email": "a.dubois@ailleurs.example.fr",
        })));
        let second = opens(&ana, &fc).await;
        assert_ne!(first.citizen, second.citizen);
        assert_eq!(world.count(Kind::IdentityChanged).await + world.count(Kind::AuthorisationReplaced).await, 0);
        let links = ana.sees("/citizens").await.links();
        assert_eq!(links.iter().filter(|link| link.url.path().starts_with("/citizens/cit_")).count(), 2);
        let shared = world.entries(Kind::IdentityShared).await;
        assert_eq!(shared.len(), 1);
        let (about, also) = (shared[0]["citizen"].as_str(), shared[0]["also"].as_str());
        assert_eq!((about, also), (Some(second.citizen.as_str()), Some(first.citizen.as_str())));
        assert!(!format!("{shared:?}").to_lowercase().contains("dubois"));
        opens(&ana, &fc).await;
        assert_eq!(world.count(Kind::IdentityShared).await, 1, "said once");
        assert_eq!(stored(&world, &first.citizen).await.family_name, "DUBOIS", "the first one is as it was");
    }

    /// E17: who was born elsewhere, at another time, or is of another gender is somebody else.
    async fn e17_somebody_else_of_the_same_name_is_nobody_known(world) {
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        opens(&ana, &fc).await;
        for (at, other) in [
            json!({"idp_birthdate": "1962-08-25"}), json!({"birthplace": "75108"}), json!({"gender": "male"}),
            json!({"given_name": "Angela Claire"}), json!({"family_name": "DUBOS"}),
        ].into_iter().enumerate() {
            let mut person = claims(&other);
            person["sub"] = json!(format!("other-{at}"));
            fc.citizen(person);
            opens(&ana, &fc).await;
        }
        assert_eq!(world.count(Kind::IdentityShared).await, 0);
    }

    /// E17: a known citizen whose civil status becomes that of another one.
    async fn e17_a_change_into_somebody_known_is_written_down_twice(world) {
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        let angela = opens(&ana, &fc).await;
        fc.citizen(claims(&json!({"sub": "other", "given_name": "Anna"})));
        let other = opens(&ana, &fc).await;
        fc.citizen(claims(&json!({"sub": "other"})));
        assert_eq!(opens(&ana, &fc).await.citizen, other.citizen);
        let shared = world.entries(Kind::IdentityShared).await;
        assert_eq!((world.count(Kind::IdentityChanged).await, shared.len()), (1, 1));
        assert_eq!(shared[0]["also"], angela.citizen.as_str());
        opens(&ana, &fc).await;
        assert_eq!(world.count(Kind::IdentityShared).await, 1, "the change is known by now");
    }
}
