//! Ending a mandate, or one of its authorisations: with a reason, at once, once.

use mandataire::domain::event::Kind;
use mandataire::domain::mandate::revoke::Reason;
use mandataire::domain::mandate::{EndingKind, Standing};
use mandataire::domain::procedure::Procedure::{Argent, Justice, Logement};
use mandataire::domain::refusal::Refusal;
use mandataire::domain::term::Term::Month;
use mandataire::store::organisations;

use crate::on_each_backend;
use crate::opening::says;
use crate::refusals::words;
use crate::world::World;

const REVOKED: Standing = Standing::Ended(EndingKind::Revoked);

async fn suspends(world: &World, suspended: bool) {
    let (organisation, now) = (world.organisation.clone(), world.now());
    let done = world.app.store.write(move |tx| {
        let found = organisations::find(tx, &organisation)?;
        let changed = if suspended { found.suspend(None, now) } else { found.resume(None, now) };
        organisations::save(tx, changed)
    });
    done.await.expect("the organisation is saved");
}

on_each_backend! {
    /// One authorisation ends, the others go on; then all of them.
    async fn one_authorisation_is_ended_or_all_of_them(world) {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement, Argent, Justice], Month).await;
        let beside = ana.opens_a_mandate_for("bernard", &[Logement], Month).await;
        let page = ana.revokes(&opened.mandate, Some(Argent)).await;
        assert_eq!((page.status, page.url.path()), (200, format!("/mandates/{}", opened.mandate).as_str()));
        let mandate = world.mandate(&world.organisation, &opened.mandate).await;
        let states: Vec<_> = mandate.authorisations.iter().map(|one| mandate.standing_of(one, world.now())).collect();
        assert_eq!(states, [Standing::Active, REVOKED, Standing::Active]);
        let ended = mandate.authorisations[1].ended.clone().unwrap();
        assert_eq!((ended.at, ended.by, ended.reason), (world.now(), Some(ana.account.clone()), Some(Reason::CitizenAsked)));
        let entries = world.entries(Kind::AuthorisationRevoked).await;
        assert_eq!(entries.len(), 1);
        assert_eq!((&entries[0]["procedure"], &entries[0]["reason"]), (&"argent".into(), &"citizen_asked".into()));
        assert_eq!((&entries[0]["mandate"], &entries[0]["actor"]), (&opened.mandate.as_str().into(), &ana.account.as_str().into()));
        ana.revokes(&opened.mandate, None).await;
        assert_eq!(world.count(Kind::AuthorisationRevoked).await, 3, "what had ended is not ended again");
        let mandate = world.mandate(&world.organisation, &opened.mandate).await;
        assert_eq!(mandate.standing(world.now()), REVOKED);
        let beside = world.mandate(&world.organisation, &beside.mandate).await;
        assert_eq!(beside.standing(world.now()), Standing::Active);
    }

    /// The reason is one of five: no text about a person enters the journal.
    async fn an_ending_needs_a_reason_from_the_list(world) {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let path = format!("/mandates/{}/revocation", opened.mandate);
        let form = ana.sees(&path).await.form(&path).unwrap();
        let offered = form.choices("reason").into_iter().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(offered, Reason::ALL.map(Reason::code));
        for reason in ["", "parce que", "Citizen_asked", "mort"] {
            let page = ana.sends(&form.clone().with("reason", reason)).await;
            assert_eq!(page.status, 422);
            assert!(says(&page, Refusal::NoReason), "{reason}");
        }
        assert_eq!(world.count(Kind::AuthorisationRevoked).await, 0);
        assert_eq!(ana.sends(&form.with("reason", "other")).await.status, 200);
        assert_eq!(world.entries(Kind::AuthorisationRevoked).await[0]["reason"], "other");
    }

    /// M01: another organisation's mandate is no mandate.
    async fn m01_the_mandate_of_another_organisation_is_not_found(world) {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let other = world.another_organisation().await;
        let zoe = world.mediator_of(&other, "Zoe Petit").await;
        zoe.signs_in().await;
        let nothing = "mdt_01ARZ3NDEKTSV4RRFFQ69G5FAV";
        for end in ["", "/document", "/revocation", "/revocation?procedure=logement"] {
            let foreign = zoe.gets(&format!("/mandates/{}{end}", opened.mandate)).await;
            let missing = zoe.gets(&format!("/mandates/{nothing}{end}")).await;
            assert_eq!((foreign.status, words(&foreign)), (404, words(&missing)), "{end}");
        }
        let path = format!("/mandates/{}/revocation", opened.mandate);
        let form = ana.sees(&path).await.form(&path).unwrap().with("reason", "mistake");
        let foreign = zoe.forges(&form).await;
        let missing = zoe.forges(&form.clone().aimed_at(&format!("/mandates/{nothing}/revocation"))).await;
        assert_eq!((foreign.status, words(&foreign)), (404, words(&missing)));
        let mandate = world.mandate(&world.organisation, &opened.mandate).await;
        assert_eq!(mandate.standing(world.now()), Standing::Active);
        assert_eq!(world.count(Kind::AuthorisationRevoked).await, 0);
    }

    /// Again changes nothing, and says what is.
    async fn an_ending_is_written_once(world) {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let path = format!("/mandates/{}/revocation", opened.mandate);
        let form = ana.sees(&path).await.form(&path).unwrap().with("reason", "mistake");
        ana.sends(&form).await;
        let ended = world.mandate(&world.organisation, &opened.mandate).await;
        world.after(60);
        let again = ana.sends(&form.clone().with("reason", "other")).await;
        assert_eq!((again.status, again.url.path()), (200, format!("/mandates/{}", opened.mandate).as_str()));
        assert_eq!(world.mandate(&world.organisation, &opened.mandate).await, ended);
        assert_eq!(world.count(Kind::AuthorisationRevoked).await, 1);
        assert_eq!(world.reasons(Kind::RevocationRefused).await, ["nothing_to_revoke"]);
        let page = ana.gets(&path).await;
        assert_eq!(page.status, 409);
        assert!(says(&page, Refusal::NothingToRevoke));
        assert_eq!(world.reasons(Kind::RevocationRefused).await.len(), 2, "asking for the page is refused, and recorded");
        // A procedure the mandate never named.
        world.after(1);
        let other = ana.sends(&form.with("procedure", "justice")).await;
        assert_eq!(other.status, 403, "nothing was ended, and it is said");
        assert_eq!(world.reasons(Kind::RevocationRefused).await[2], "procedure_not_in_mandate");
        assert_eq!(ana.gets(&format!("{path}?procedure=toutes")).await.status, 404);
    }

    /// The page says when it really ended, not when it would have.
    async fn a_mandate_ended_early_shows_when(world) {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement, Justice], Month).await;
        world.after(86_400);
        ana.signs_in().await;
        ana.revokes(&opened.mandate, Some(Logement)).await;
        let page = ana.revokes(&opened.mandate, None).await;
        let (ended, expires) = (world.now(), world.mandate(&world.organisation, &opened.mandate).await.expires_at);
        let machine = |at: mandataire::domain::Instant| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        let list = ana.sees("/citizens?tab=ended").await;
        for page in [page, ana.sees(&format!("/citizens/{}", opened.citizen)).await, list] {
            let shown = page.attributes("datetime");
            assert!(shown.contains(&machine(ended)) && !shown.contains(&machine(expires)), "{}: {shown:?}", page.url);
        }
    }

    /// Any mediator and any manager of the organisation; nobody else.
    async fn a_manager_and_a_colleague_may_end_a_mandate(world) {
        let ana = world.mediator("Ana Silva").await;
        let bea = world.mediator("Bea Roche").await;
        let marc = world.manager("Marc Blanc").await;
        let auditor = world.auditor("Odile Noir").await;
        for who in [&bea, &marc] {
            let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
            let path = format!("/mandates/{}/revocation", opened.mandate);
            assert_eq!(auditor.gets(&path).await.status, 403);
            let form = ana.sees(&path).await.form(&path).unwrap().with("reason", "mistake");
            assert_eq!(auditor.forges(&form).await.status, 403);
            who.revokes(&opened.mandate, None).await;
            let mandate = world.mandate(&world.organisation, &opened.mandate).await;
            assert_eq!(mandate.standing(world.now()), REVOKED);
        }
        let actors: Vec<_> = world.entries(Kind::AuthorisationRevoked).await.iter().map(|one| one["actor"].clone()).collect();
        assert_eq!(actors, [bea.account.as_str(), marc.account.as_str()]);
    }

    /// Whatever was begun before stops.
    async fn an_ending_is_immediate(world) {
        let (ana, bea) = (world.mediator("Ana Silva").await, world.mediator("Bea Roche").await);
        let service = world.franceconnect_client().await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let choice = ana.comes_from(&service.request()).await;
        let path = format!("{}/citizens/{}", choice.url.path(), opened.citizen);
        let chosen = ana.sees(&path).await.form(&path).unwrap().with("procedure", "logement");
        bea.revokes(&opened.mandate, None).await;
        assert!(ana.sees("/citizens").await.link("/citizens/cit_").is_none());
        assert_eq!(ana.browser.submit(&chosen).await.unwrap().status, 403);
        assert_eq!(service.exchanges(&code).await.status, 400);
        assert_eq!(world.count(Kind::Use).await, 0);
    }

    /// M08: two at the same instant: one ends it, the other finds it ended.
    async fn m08_two_endings_at_once_are_one_ending(world) {
        let ana = world.mediator("Ana Silva").await;
        let mut expected = 0;
        for round in 0..5 {
            let opened = ana.opens_a_mandate_for("josephine", &[Logement, Justice], Month).await;
            let path = format!("/mandates/{}/revocation", opened.mandate);
            let form = ana.sees(&path).await.form(&path).unwrap().with("reason", "mistake");
            let both: Vec<_> = [form.clone(), form.clone(), form.with("procedure", "justice")].into_iter().map(|form| {
                let browser = ana.browser.clone();
                actix_web::rt::spawn(async move { browser.submit(&form).await.unwrap().status })
            }).collect();
            for one in both {
                assert_eq!(one.await.unwrap(), 303);
            }
            expected += 2;
            assert_eq!(world.count(Kind::AuthorisationRevoked).await, expected, "round {round}");
        }
    }

    /// A suspended organisation: everything stops at once, and goes on when the suspension is lifted.
    async fn a_suspension_stops_every_mandate_and_loses_none(world) {
        let ana = world.mediator("Ana Silva").await;
        let service = world.franceconnect_client().await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let path = format!("/mandates/{}/revocation", opened.mandate);
        let form = ana.sees(&path).await.form(&path).unwrap().with("reason", "mistake");
        let recap = ana.reaches_the_recap("bernard", &[Logement], Month).await;
        let confirmation = ana.fills_in(&recap).await;
        suspends(&world, true).await;
        for path in ["/home", "/citizens", "/mandates/new", &path, recap.url.path()] {
            let page = ana.sees(path).await;
            assert_eq!(page.status, 403, "{path}");
            assert!(says(&page, Refusal::OrganisationSuspended), "{path}");
        }
        assert_eq!(ana.sends(&confirmation).await.status, 403);
        assert_eq!(ana.sends(&form).await.status, 403);
        assert_eq!(service.exchanges(&code).await.status, 400);
        assert_eq!((world.count(Kind::MandateOpened).await, world.count(Kind::AuthorisationRevoked).await), (1, 0));
        suspends(&world, false).await;
        assert_eq!(ana.sees(&format!("/mandates/{}", opened.mandate)).await.status, 200);
        assert!(!ana.gets_a_code(&service, &opened.citizen, Logement).await.is_empty());
    }
}
