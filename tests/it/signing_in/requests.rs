//! Asking for a link: whoever asks learns nothing, and nobody's mailbox is flooded.

use mandataire::demo::browser::Browser;
use mandataire::store::outbox;

use super::seen;
use crate::on_each_backend;
use crate::world::World;
use crate::world::service::browser;

/// Addresses that are none (F05), and one twin of a known one in other letters.
const NO_ADDRESSES: [&str; 12] = [
    "ana.silva@houdan.example.fr\r\nBcc: thief@example.org",
    "ana.silva@houdan.example.fr,thief@example.org",
    "ana.silva@houdan.example.fr thief@example.org",
    "ana.silva@houdan.example.fr;thief@example.org",
    "Ana Silva <ana.silva@houdan.example.fr>",
    "\"ana.silva\"@houdan.example.fr",
    "ana.silva@houdan.example.fr\0",
    "аna.silva@houdan.example.fr",
    "ana.silva＠houdan.example.fr",
    "ana.silva@[127.0.0.1]",
    "ana.silva@houdan..example.fr",
    "",
];

async fn mails(world: &World) -> Vec<outbox::Message> {
    let waiting = world.app.store.read(|db| outbox::newest(db, 100)).await.unwrap();
    waiting.into_iter().map(|one| one.message).collect()
}

async fn asks(world: &World, browser: &Browser, address: &str) -> mandataire::demo::browser::Page {
    let page = browser.get(world.at("/sign-in")).await.unwrap();
    browser.submit(&page.form("/sign-in").unwrap().with("email", address)).await.unwrap()
}

on_each_backend! {
    async fn f06_a_known_an_unknown_and_an_inactive_address_get_the_same_answer(world) {
        let ana = world.mediator_of(&world.organisation, "Ana Silva").await;
        let bo = world.mediator_of(&world.organisation, "Bo Martin").await;
        world.deactivates(&bo).await;
        let mut answers = Vec::new();
        for address in [ana.email.as_str(), bo.email.as_str(), "nobody@houdan.example.fr"] {
            let browser = browser();
            let asked = asks(&world, &browser, address).await;
            let cookies = asked.headers.get_all("set-cookie").iter().count();
            let next = browser.follow(asked.location().unwrap()).await.unwrap();
            answers.push((seen(&asked), asked.location(), cookies, seen(&next)));
        }
        assert_eq!(answers[0], answers[1]);
        assert_eq!(answers[0], answers[2]);
        assert_eq!(mails(&world).await.len(), 1);
        assert_eq!(world.rows("sign_in_links", "1 = 1"), 3, "the same work for each");
    }

    async fn f07_an_address_gets_three_mails_in_a_quarter_of_an_hour(world) {
        let ana = world.mediator_of(&world.organisation, "Ana Silva").await;
        for sent in [1, 2, 3, 3, 3] {
            assert_eq!(ana.asks_for_a_link().await.url.path(), "/sign-in/sent");
            assert_eq!(mails(&world).await.len(), sent);
        }
        let third = ana.newest_link().await.unwrap();
        world.after(14 * 60 + 59);
        ana.asks_for_a_link().await;
        assert_eq!(mails(&world).await.len(), 3);
        world.after(1);
        ana.asks_for_a_link().await;
        assert_eq!(mails(&world).await.len(), 4);
        assert_ne!(ana.newest_link().await.unwrap(), third);
    }

    async fn f07_a_source_asks_twenty_times_whatever_address_it_names_and_claims_to_have(world) {
        let ana = world.mediator_of(&world.organisation, "Ana Silva").await;
        let browser = browser();
        for asked in 0..20 {
            assert_eq!(asks(&world, &browser, &format!("nobody{asked}@example.fr")).await.status, 303);
        }
        let page = asks(&world, &browser, &ana.email).await;
        assert_eq!(page.status, 429);
        assert!(page.text().contains("Trop de demandes"), "{}", page.text());
        let csrf = world.csrf(&browser).await;
        let fields = [("csrf", csrf.as_str()), ("email", ana.email.as_str())];
        for header in ["x-forwarded-for", "forwarded", "x-real-ip"] {
            let answer = world.posts(&browser, "/sign-in", &fields, &[(header, "203.0.113.7")]).await;
            assert_eq!(answer.status, 429, "I09: {header}");
        }
        assert!(mails(&world).await.is_empty());
    }

    async fn f05_what_is_no_address_is_refused_and_nothing_is_sent(world) {
        world.mediator_of(&world.organisation, "Ana Silva").await;
        let browser = browser();
        let long = format!("{}@example.fr", "a".repeat(300));
        for address in NO_ADDRESSES.into_iter().chain([long.as_str()]) {
            let page = asks(&world, &browser, address).await;
            assert!(matches!(page.status, 400 | 422), "{address:?}: {}", page.status);
        }
        for twin in ["ana.silva+tag@houdan.example.fr", "anasilva@houdan.example.fr"] {
            assert_eq!(asks(&world, &browser, twin).await.status, 303);
        }
        assert!(mails(&world).await.is_empty());
    }

    async fn f05_an_address_is_one_whatever_its_case(world) {
        let ana = world.mediator_of(&world.organisation, "Ana Silva").await;
        asks(&world, &ana.browser, " Ana.SILVA@Houdan.Example.FR ").await;
        let sent = mails(&world).await;
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0].to, ana.email);
    }

    async fn f04_the_link_names_our_own_address_whatever_the_request_says(world) {
        let ana = world.mediator_of(&world.organisation, "Ana Silva").await;
        let csrf = world.csrf(&ana.browser).await;
        let fields = [("csrf", csrf.as_str()), ("email", ana.email.as_str())];
        let headers = [
            ("host", "evil.example"),
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-proto", "https"),
            ("forwarded", "host=evil.example"),
        ];
        assert_eq!(world.posts(&ana.browser, "/sign-in", &fields, &headers).await.status, 303);
        let sent = mails(&world).await;
        assert!(!sent[0].text.contains("evil.example"), "{}", sent[0].text);
        assert!(ana.newest_link().await.unwrap().starts_with(&format!("{}/sign-in/link?token=", world.base)));
    }
}
