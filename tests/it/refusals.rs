//! Every refusal leaves one entry, which says who was refused what; and nobody fills the journal with them.

use mandataire::demo::browser::Page;
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::term::Term::{Day, Month};

use crate::on_each_backend;
use crate::world::World;

/// A page's text without its reference, which is another one each time.
pub(crate) fn without_reference(text: &str) -> String {
    match text.split_once("class=\"reference\">") {
        Some((before, after)) => before.to_owned() + after.split_once('<').map_or("", |(_, rest)| rest),
        None => text.to_owned(),
    }
}

/// The words of the page of a problem, without its reference.
pub(crate) fn words(page: &Page) -> String {
    let reference = page.body.split_once("class=\"reference\">").and_then(|(_, rest)| rest.split_once('<'));
    let (reference, _) = reference.expect("a problem has a reference");
    assert_eq!((reference.len(), page.text().matches(reference).count()), (12, 1));
    page.text().replace(reference, "")
}

/// How many entries there are.
fn entries(world: &World) -> i64 {
    world.database.number("select count(*) from journal_entries")
}

/// What was refused since `before`: exactly one entry, of this kind and reason.
async fn one_refusal(world: &World, before: i64, kind: Kind, reason: &str) -> serde_json::Value {
    assert_eq!(entries(world), before + 1, "{kind:?} {reason}");
    let last = world.entries(kind).await.pop().unwrap_or_default();
    assert_eq!(last["reason"], reason, "{last}");
    world.after(1);
    last
}

on_each_backend! {
    /// Whoever has not the role, or has it no longer.
    async fn a_page_that_one_may_not_open_leaves_one_entry(world) {
        let (claire, denis) = (world.manager("Claire Petit").await, world.auditor("Denis Roux").await);
        let ana = world.mediator("Ana Silva").await;
        for (who, path, kind, reason) in [
            (&claire, "/mandates/new", Kind::OpeningRefused, "not_a_mediator"),
            (&denis, "/home", Kind::ActRefused, "not_a_member"),
            (&ana, "/journal", Kind::ActRefused, "not_a_member"),
            (&ana, "/citizens?after=nonsense", Kind::SecurityRefused, "malformed_cursor"),
        ] {
            let before = entries(&world);
            let page = who.gets(path).await;
            assert!(page.status == 403 || page.status == 400, "{path}: {}", page.status);
            words(&page);
            let entry = one_refusal(&world, before, kind, reason).await;
            assert_eq!(entry["actor"], who.account.as_str());
            assert_eq!(entry["route"], format!("GET {}", path.split('?').next().unwrap()));
        }
        world.suspends_the_organisation().await;
        let before = entries(&world);
        assert_eq!(ana.gets("/home").await.status, 403);
        one_refusal(&world, before, Kind::ActRefused, "organisation_suspended").await;
    }

    /// The steps of an opening, each refused in its own way.
    async fn a_refused_step_of_an_opening_leaves_one_entry(world) {
        let ana = world.mediator("Ana Silva").await;
        world.offers(&world.organisation, "logement");
        let form = ana.sees("/mandates/new").await.form("/mandates/drafts").unwrap().with("term", "day");
        for forged in ["justice", "all", ""] {
            let before = entries(&world);
            assert_eq!(ana.sends(&form.clone().with("procedures", forged)).await.status, 422);
            one_refusal(&world, before, Kind::OpeningRefused, "procedure_not_allowed").await;
        }
        let before = entries(&world);
        assert_eq!(ana.sends(&form).await.status, 422);
        assert_eq!(entries(&world), before, "a form that is not filled in is no refused act");
        let list = ana.starts_an_opening(&[Logement], Day).await;
        let page = ana.citizen_identifies(&list, "josephine").await;
        let before = entries(&world);
        assert_eq!(ana.citizen_answers(&page, "agree", false).await.status, 422);
        let entry = one_refusal(&world, before, Kind::OpeningRefused, "protection_not_declared").await;
        assert_eq!(entry["draft"], crate::opening::draft_of(&page).as_str());
        assert_eq!(entry["mediator"], ana.account.as_str());
        assert!(entry.get("actor").is_none(), "it is the citizen's own act");
        world.renames(&world.organisation, "Autre nom");
        let before = entries(&world);
        assert_eq!(ana.citizen_answers(&page, "agree", true).await.status, 409);
        one_refusal(&world, before, Kind::OpeningRefused, "agreement_of_another_text").await;
        world.after(15 * 60);
        let before = entries(&world);
        assert_eq!(ana.citizen_answers(&page, "agree", true).await.status, 409);
        one_refusal(&world, before, Kind::OpeningRefused, "draft_expired").await;
    }

    /// What is said twice, abandoned too late, or of somebody else.
    async fn an_act_that_comes_too_late_or_names_another_leaves_one_entry(world) {
        let ana = world.mediator("Ana Silva").await;
        let recap = ana.reaches_the_recap("josephine", &[Logement], Month).await;
        let abandon = recap.forms().into_iter().find(|form| form.action().path().ends_with("/cancellation")).unwrap();
        let opened = ana.sends(&ana.fills_in(&recap).await).await;
        assert_eq!(opened.status, 200);
        world.after(1);
        let before = entries(&world);
        assert_eq!(ana.sends(&abandon).await.status, 409);
        one_refusal(&world, before, Kind::OpeningRefused, "draft_used").await;
        let mandate = opened.url.path().to_owned();
        let other = world.another_organisation().await;
        let zoe = world.mediator_of(&other, "Zoe Petit").await;
        zoe.signs_in().await;
        let before = entries(&world);
        assert_eq!(zoe.gets(&mandate).await.status, 404);
        let entry = one_refusal(&world, before, Kind::SecurityRefused, "not_found").await;
        assert_eq!(entry["named"], mandate.trim_start_matches("/mandates/"));
        assert_eq!((&entry["organisation"], entry.get("mandate")), (&other.as_str().into(), None));
        let stranger = crate::world::service::browser();
        let before = entries(&world);
        let guess = format!("/agreements/{}", "A".repeat(43));
        assert_eq!(stranger.follow(ana.at(&guess)).await.unwrap().status, 404);
        let entry = one_refusal(&world, before, Kind::SecurityRefused, "not_found").await;
        assert!(entry.get("named").is_none() && entry["route"] == "GET /agreements/{token}", "never the token: {entry}");
    }

    /// A use that names what the pages never offer.
    async fn a_forged_choice_leaves_one_entry_and_no_code(world) {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let service = world.franceconnect_client().await;
        let page = ana.comes_from(&service.request()).await;
        let path = format!("{}/citizens/{}", page.url.path(), opened.citizen);
        let form = ana.sees(&path).await.form(&path).unwrap();
        for (forged, reason) in [("toutes", "procedure_not_in_mandate"), ("justice", "authorisation_ended")] {
            let before = entries(&world);
            assert_eq!(ana.sends(&form.clone().with("procedure", forged)).await.status, 403, "{forged}");
            one_refusal(&world, before, Kind::UseRefused, reason).await;
        }
        assert_eq!(world.rows("grants", "1 = 1"), 0);
    }

    /// B09: a source that guesses is told to wait, the journal says so once, and whoever has the right secret is served.
    async fn b09_a_source_that_guesses_is_told_to_wait_and_locks_nobody_out(world) {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let service = world.franceconnect_client().await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let before = entries(&world);
        let begun = std::time::Instant::now();
        let (mut heard, mut waiting) = (0, 0);
        for hundred in 0..100 {
            let guess = |one| {
                let service = service.clone();
                let form = [("client_id", service.client.id.clone()), ("client_secret", format!("guess-{hundred}-{one}"))];
                actix_web::rt::spawn(async move {
                    service.sends(|http, base| http.post(format!("{base}/token")).form(&form)).await
                })
            };
            for answer in (0..100).map(guess).collect::<Vec<_>>() {
                let answer = answer.await.unwrap();
                match answer.status {
                    401 => heard += 1,
                    429 => waiting += 1,
                    other => panic!("{other}: {}", answer.body),
                }
                if answer.status == 429 {
                    assert_eq!(answer.error(), "temporarily_unavailable");
                    assert!(answer.headers.contains_key("retry-after"));
                }
            }
        }
        // One more is let through every ten seconds.
        let more = i64::try_from(begun.elapsed().as_secs() / 10).unwrap() + 1;
        assert!((300..=300 + more).contains(&heard) && heard + waiting == 10_000, "{heard} {waiting}");
        let alarms = world.reasons(Kind::SecurityRefused).await;
        assert_eq!(alarms.iter().filter(|reason| *reason == "too_many_refusals").count(), 1);
        assert_eq!(entries(&world), before + heard + 1);
        assert_eq!(service.exchanges(&code).await.status, 200, "the right secret, from the same address");
        // Whoever is signed in has a budget of their own.
        assert_eq!(ana.gets("/journal").await.status, 403);
        let stranger = crate::world::service::browser();
        let mut page = stranger.follow(ana.at("/authorize?client_id=nobody")).await.unwrap();
        if page.status == 400 {
            // It was the one that ten seconds let through.
            page = stranger.follow(ana.at("/authorize?client_id=nobody")).await.unwrap();
        }
        assert_eq!((page.status, page.text().contains("Trop de demandes")), (429, true), "{}", page.text());
    }

    /// Machines are answered in their own format, and recorded like everybody.
    async fn a_request_of_a_machine_that_cannot_be_read_leaves_one_entry(world) {
        let service = world.franceconnect_client().await;
        let large = "x".repeat(70_000);
        let form = |body: &str| ("application/x-www-form-urlencoded".to_owned(), body.to_owned());
        let many = "a=b&".repeat(300);
        for (path, (kind, body), status) in [
            ("token", form(&large), 413),
            ("token", ("application/json".to_owned(), "{}".to_owned()), 415),
            ("token", form(&many), 400),
            ("userinfo", form(&large), 413),
            ("userinfo", form(&many), 400),
        ] {
            let before = entries(&world);
            let answer = service
                .sends(|http, base| http.post(format!("{base}/{path}")).header("content-type", kind.as_str()).body(body.clone()))
                .await;
            assert_eq!((answer.status, answer.error().as_str()), (status, "invalid_request"), "{path} {kind}");
            one_refusal(&world, before, Kind::SecurityRefused, "malformed_request").await;
        }
        for (path, reason) in [("authorize", "malformed_body"), ("session/end", "malformed_body")] {
            let before = entries(&world);
            let body = large.clone();
            let send = |http: &reqwest::Client, base: &str| http.post(format!("{base}/{path}")).body(body);
            assert_eq!(service.sends(send).await.status, 400, "{path}");
            one_refusal(&world, before, Kind::SecurityRefused, reason).await;
        }
    }

    /// M01: the organisation of somebody else, in a form.
    async fn an_organisation_that_is_not_theirs_leaves_one_entry(world) {
        let ana = world.mediator("Ana Silva").await;
        let other = world.another_organisation().await;
        let csrf = world.csrf(&ana.browser).await;
        let before = entries(&world);
        let fields = [("csrf", csrf.as_str()), ("organisation", other.as_str())];
        assert_eq!(world.posts(&ana.browser, "/organisation", &fields, &[]).await.status, 404);
        one_refusal(&world, before, Kind::SecurityRefused, "not_found").await;
    }
}
