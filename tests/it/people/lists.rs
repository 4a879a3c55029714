//! The lists of people, the search, and one person's page.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use mandataire::demo::browser::Page;
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::{Justice, Logement};
use mandataire::domain::term::Term::{Day, Month};
use url::Url;

use super::{identity, listed};
use crate::on_each_backend;
use crate::refusals::words;

const PAGE: usize = 25;

/// The link to the next page; a link within this page is none.
fn next_page(page: &Page) -> Option<Url> {
    let mut links = page.links().into_iter().map(|link| link.url).filter(|url| url.fragment().is_none());
    links.find(|url| url.query().is_some_and(|query| query.contains("after=")))
}

on_each_backend! {
    /// Sixty-three people, many of them at the same instant, and one more while somebody turns the pages.
    async fn m12_the_pages_of_a_list_lose_and_repeat_nobody(world) {
        let ana = world.mediator("Ana Silva").await;
        let mut all = BTreeSet::new();
        for number in 0..63 {
            if number % 10 == 0 {
                world.after(1);
            }
            let opened = world.opens(&ana, &world.organisation, identity("Marie", &format!("NOM{number:02}"), None), Month).await;
            all.insert(opened.citizen);
        }
        let mut page = ana.sees("/citizens").await;
        let mut seen = listed(&page);
        assert_eq!(seen.len(), PAGE);
        world.after(1);
        let late = world.opens(&ana, &world.organisation, identity("Zoé", "NOUVELLE", None), Month).await.citizen;
        while let Some(next) = next_page(&page) {
            page = ana.browser.follow(next.as_str()).await.unwrap();
            seen.extend(listed(&page));
        }
        assert_eq!(seen.len(), 63, "nobody twice");
        assert_eq!(seen.iter().cloned().collect::<BTreeSet<_>>(), all, "nobody lost");
        let first = listed(&ana.sees("/citizens").await);
        assert_eq!(first.first(), Some(&late), "the newest first");
        // A search has pages too.
        let found = ana.sees("/citizens?q=marie").await;
        assert_eq!(listed(&found).len(), PAGE);
        let next = next_page(&found).unwrap();
        assert!(next.query().unwrap().contains("q=marie"));
        for wrong in ["x", "1.x", ".", "99999999999999999999.cit_01ARZ3NDEKTSV4RRFFQ69G5FAV", "1.cit_1"] {
            assert_eq!(ana.gets(&format!("/citizens?after={wrong}")).await.status, 400, "{wrong}");
        }
    }

    /// Active and ended: each person on one list.
    async fn a_person_is_on_the_active_or_on_the_ended_list(world) {
        let ana = world.mediator("Ana Silva").await;
        let long = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let short = ana.opens_a_mandate_for("bernard", &[Logement], Day).await;
        let both = ana.opens_a_mandate_for("paul", &[Logement], Day).await;
        ana.opens_a_mandate_for("paul", &[Justice], Month).await;
        world.after(2 * 86_400);
        ana.signs_in().await;
        let active: BTreeSet<_> = listed(&ana.sees("/citizens?tab=active").await).into_iter().collect();
        assert_eq!(active, BTreeSet::from([long.citizen.clone(), both.citizen]));
        assert_eq!(listed(&ana.sees("/citizens?tab=ended").await), [short.citizen]);
        ana.revokes(&long.mandate, None).await;
        assert!(listed(&ana.sees("/citizens?tab=ended").await).contains(&long.citizen));
    }

    /// M12: at least three characters, accents and capitals aside, by the beginning of words; within the organisation.
    async fn m12_a_search_finds_beginnings_of_names_in_ones_own_organisation(world) {
        let ana = world.mediator("Ana Silva").await;
        let other = world.another_organisation().await;
        let zoe = world.mediator_of(&other, "Zoe Petit").await;
        let ours = &world.organisation;
        let ele = world.opens(&ana, ours, identity("Éléonore Aïcha", "LEFÈVRE", None), Month).await.citizen;
        world.after(1);
        let jean = world.opens(&ana, ours, identity("Jean-Baptiste", "DE LA RUE-D’OR", Some("Lefebvre")), Month).await.citizen;
        let anh = world.opens(&ana, ours, identity("Anh", "Ô", None), Month).await.citizen;
        let arab = world.opens(&ana, ours, identity("ليلى", "بن يوسف", None), Month).await.citizen;
        let theirs = world.opens(&zoe, &other, identity("Éléonore", "LEFÈVRE-MARTIN", None), Month).await.citizen;
        let found = async |query: &str| {
            let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
            let page = ana.sees(&format!("/citizens?tab=active&q={query}")).await;
            assert_eq!(page.status, 200);
            listed(&page)
        };
        for query in ["éléonore", "ELEONORE", "  ele ", "ele\u{301}onore", "aicha", "lefev", "lefèvre", "ele lef", "lefevre aicha ele"] {
            assert_eq!(found(query).await, std::slice::from_ref(&ele), "{query}");
        }
        for query in ["jean", "baptiste", "lefebvre", "rue", "jean de la rue", "la rue", "d'or rue", "Jean-Bapt"] {
            assert_eq!(found(query).await, std::slice::from_ref(&jean), "{query}");
        }
        assert_eq!(found("lef").await, [jean, ele]);
        assert_eq!((found("anh ô").await, found("ليل").await), (vec![anh], vec![arab]));
        for query in ["eonore", "lefevrex", "eleonora", "ele martin", "ele lef xyz", "aicha ele lef nor", "martin", "' or 1=1 --", "\\"] {
            assert_eq!(found(query).await, [], "{query}");
        }
        // What other searches take for any letter is no letter here.
        for query in ["%", "%%%", "___", "l%", "l_f", "_ef", "%evre", "l%vre", "*", "lef.*re"] {
            let stands_for_nothing = found(query).await;
            assert!(!stands_for_nothing.contains(&theirs) && stands_for_nothing.is_empty(), "{query}");
        }
        for query in ["e", "el", " é ", "%", "__l"] {
            let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
            let page = ana.sees(&format!("/citizens?q={query}")).await;
            assert!(page.text().contains("Écrivez au moins 3 caractères.") && listed(&page).is_empty(), "{query}");
        }
    }

    /// M01, M12: reading somebody's page is a fact; another organisation's person is nobody.
    async fn m01_reading_a_persons_page_is_written_down(world) {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let before = world.count(Kind::CitizenRead).await;
        let page = ana.sees(&format!("/citizens/{}", opened.citizen)).await;
        assert!(page.text().contains("Joséphine Marie DUBOIS"));
        let read = world.entries(Kind::CitizenRead).await;
        assert_eq!(read.len(), before + 1);
        let last = read.last().unwrap();
        assert_eq!((&last["actor"], &last["citizen"]), (&ana.account.as_str().into(), &opened.citizen.as_str().into()));
        assert_eq!(last["organisation"], world.organisation.as_str());
        let other = world.another_organisation().await;
        let zoe = world.mediator_of(&other, "Zoe Petit").await;
        zoe.signs_in().await;
        let foreign = zoe.gets(&format!("/citizens/{}", opened.citizen)).await;
        let missing = zoe.gets("/citizens/cit_01ARZ3NDEKTSV4RRFFQ69G5FAV").await;
        assert_eq!((foreign.status, words(&foreign)), (404, words(&missing)));
        assert_eq!(world.count(Kind::CitizenRead).await, before + 1);
        // A mandate of their own with the same person shows nothing of ours.
        zoe.opens_a_mandate_for("josephine", &[Justice], Day).await;
        let theirs = zoe.sees(&format!("/citizens/{}", opened.citizen)).await;
        assert_eq!(theirs.status, 200);
        assert!(theirs.link(&format!("/mandates/{}", opened.mandate)).is_none());
    }

    /// Ended mandates stay for 365 days, one by one.
    async fn an_ended_mandate_leaves_the_screens_after_365_days(world) {
        let ana = world.mediator("Ana Silva").await;
        let old = ana.opens_a_mandate_for("josephine", &[Logement], Day).await;
        let end = world.mandate(&world.organisation, &old.mandate).await.expires_at;
        let (person, mandate) = (format!("/citizens/{}", old.citizen), format!("/mandates/{}", old.mandate));
        world.until(end + TimeDelta::days(365) - TimeDelta::minutes(5));
        ana.signs_in().await;
        world.until(end + TimeDelta::days(365) - TimeDelta::seconds(1));
        assert_eq!(listed(&ana.sees("/citizens?tab=ended").await), std::slice::from_ref(&old.citizen));
        for path in [&person, &mandate, &format!("{mandate}/document")] {
            assert_eq!(ana.gets(path).await.status, 200, "{path}");
        }
        world.after(1);
        assert_eq!(listed(&ana.sees("/citizens?tab=ended").await), []);
        for path in [&person, &mandate, &format!("{mandate}/document"), &format!("{mandate}/revocation")] {
            assert_eq!(ana.gets(path).await.status, 404, "{path}");
        }
        // The person is back; the mandate of that time is not.
        let new = ana.opens_a_mandate_for("josephine", &[Justice], Day).await;
        assert_eq!(new.citizen, old.citizen);
        let page = ana.sees(&person).await;
        assert!(page.link(&mandate).is_none() && page.link(&format!("/mandates/{}", new.mandate)).is_some());
        assert_eq!(ana.gets(&mandate).await.status, 404);
    }
}
