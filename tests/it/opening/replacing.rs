//! A newer authorisation takes the place of an older one: same organisation, citizen and procedure, and nothing else.

use mandataire::domain::event::Kind;
use mandataire::domain::id::{MandateId, OrganisationId};
use mandataire::domain::mandate::{EndingKind, Standing};
use mandataire::domain::procedure::Procedure::{self, Argent, Justice, Logement};
use mandataire::domain::term::Term::{Day, Month, Year};

use crate::on_each_backend;
use crate::world::World;

async fn standings(world: &World, organisation: &OrganisationId, id: &MandateId) -> Vec<(Procedure, Standing)> {
    let mandate = world.mandate(organisation, id).await;
    mandate.authorisations.iter().map(|one| (one.procedure, mandate.standing_of(one, world.now()))).collect()
}

const REPLACED: Standing = Standing::Ended(EndingKind::Replaced);

on_each_backend! {
    /// Replaced, not revoked; and everything beside it stays.
    async fn a_newer_mandate_replaces_the_same_procedures_and_nothing_else(world) {
        let ana = world.mediator("Ana Silva").await;
        let other = world.another_organisation().await;
        let zoe = world.mediator_of(&other, "Zoe Petit").await;
        zoe.signs_in().await;
        let elsewhere = zoe.opens_a_mandate_for("josephine", &[Logement, Argent], Month).await;
        let neighbour = ana.opens_a_mandate_for("bernard", &[Logement], Month).await;
        let aside = ana.opens_a_mandate_for("josephine", &[Justice], Year).await;
        let old = ana.opens_a_mandate_for("josephine", &[Logement, Argent], Month).await;
        let recap = ana.reaches_the_recap("josephine", &[Logement, Justice], Day).await;
        assert!(recap.text().contains("Logement") && recap.text().contains("Justice"));
        let page = ana.sends(&ana.fills_in(&recap).await).await;
        let new: MandateId = page.url.path().trim_start_matches("/mandates/").parse().unwrap();
        let ours = &world.organisation;
        assert_eq!(standings(&world, ours, &old.mandate).await, [(Logement, REPLACED), (Argent, Standing::Active)]);
        assert_eq!(standings(&world, ours, &aside.mandate).await, [(Justice, REPLACED)]);
        assert_eq!(standings(&world, ours, &new).await, [(Logement, Standing::Active), (Justice, Standing::Active)]);
        assert_eq!(standings(&world, ours, &neighbour.mandate).await, [(Logement, Standing::Active)]);
        let untouched = [(Logement, Standing::Active), (Argent, Standing::Active)];
        assert_eq!(standings(&world, &other, &elsewhere.mandate).await, untouched);
        assert_eq!(world.count(Kind::AuthorisationRevoked).await, 0);
        let mut entries = world.entries(Kind::AuthorisationReplaced).await;
        entries.sort_by_key(|entry| entry["procedure"].to_string());
        assert_eq!(entries.len(), 2);
        for (entry, (procedure, mandate)) in entries.iter().zip([("justice", &aside.mandate), ("logement", &old.mandate)]) {
            assert_eq!((&entry["procedure"], &entry["mandate"]), (&procedure.into(), &mandate.as_str().into()));
            assert_eq!(entry["replaced_by"], new.as_str());
            assert_eq!(entry["actor"], ana.account.as_str());
        }
    }

    /// One whose term has passed leaves its place, and is not said to be replaced.
    async fn an_expired_authorisation_leaves_its_place(world) {
        let ana = world.mediator("Ana Silva").await;
        let old = ana.opens_a_mandate_for("josephine", &[Logement], Day).await;
        world.until(world.mandate(&world.organisation, &old.mandate).await.expires_at);
        ana.signs_in().await;
        let new = ana.opens_a_mandate_for("josephine", &[Logement], Day).await;
        assert_eq!(new.citizen, old.citizen);
        let mandate = world.mandate(&world.organisation, &old.mandate).await;
        let ended = mandate.authorisations[0].ended.clone().unwrap();
        assert_eq!((ended.kind, ended.at, ended.by), (EndingKind::Expired, mandate.expires_at, None));
        assert_eq!(standings(&world, &world.organisation, &new.mandate).await, [(Logement, Standing::Active)]);
        assert_eq!(world.count(Kind::AuthorisationReplaced).await, 0);
    }

    /// The database itself refuses a second live authorisation, whoever writes it.
    async fn the_database_refuses_a_second_live_authorisation(world) {
        let ana = world.mediator("Ana Silva").await;
        let held = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let beside = ana.opens_a_mandate_for("josephine", &[Justice], Month).await;
        let second = |id: &str, procedure: &str| format!(
            "insert into authorisations (id, mandate, organisation, citizen, procedure) \
             values ('{id}', '{}', '{}', '{}', '{procedure}')",
            beside.mandate, world.organisation, held.citizen,
        );
        assert!(world.database.execute(&second("aut_1", "logement")).is_err());
        assert!(world.database.execute(&second("aut_2", "argent")).is_ok(), "only the place taken is refused");
        ana.revokes(&held.mandate, None).await;
        assert!(world.database.execute(&second("aut_3", "logement")).is_ok(), "what has ended leaves its place");
    }

    /// Two mediators open for the same person at the same instant: one replaces the other.
    async fn two_openings_at_once_leave_one_live_authorisation(world) {
        let (ana, bea) = (world.mediator("Ana Silva").await, world.mediator("Bea Roche").await);
        let mut forms = Vec::new();
        for who in [&ana, &bea] {
            let recap = who.reaches_the_recap("josephine", &[Logement], Month).await;
            forms.push((who.browser.clone(), who.fills_in(&recap).await));
        }
        // The first code is a step old by now, and still good.
        let both: Vec<_> = forms.into_iter().map(|(browser, form)| {
            actix_web::rt::spawn(async move { browser.submit(&form).await.unwrap() })
        }).collect();
        let mut opened = Vec::new();
        for answer in both {
            let answer = answer.await.unwrap();
            assert_eq!(answer.status, 303, "{}", answer.text());
            opened.push(answer.location().unwrap().path().trim_start_matches("/mandates/").parse().unwrap());
        }
        let mut live = 0;
        for id in &opened {
            live += usize::from(standings(&world, &world.organisation, id).await == [(Logement, Standing::Active)]);
        }
        assert_eq!((live, world.count(Kind::AuthorisationReplaced).await), (1, 1));
    }
}
