//! An organisation of which something asks for an explanation is told so.

use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::term::Term::Month;
use mandataire::store::outbox::{self, Message};

use crate::on_each_backend;
use crate::world::World;

/// The mails about signals, by whom they go to.
async fn told(world: &World) -> Vec<Message> {
    let mails = world.app.store.read(|db| outbox::newest(db, 50)).await.unwrap();
    let mut told: Vec<_> =
        mails.into_iter().map(|one| one.message).filter(|one| one.text.contains("/signals")).collect();
    told.sort_by(|one, other| one.to.cmp(&other.to));
    told
}

fn addresses(told: &[Message]) -> Vec<&str> {
    told.iter().map(|one| one.to.as_str()).collect()
}

on_each_backend! {
    /// Its managers are written to, once for all that a day asks, and nothing of anybody is in the mail.
    async fn who_manages_an_organisation_is_written_to(world) {
        let ana = world.mediator("Ana Silva").await;
        let mia = world.manager("Mia Roux").await;
        let gone = world.manager("Guy Roux").await;
        world.database.execute(&format!("update accounts set active = false where id = '{}'", gone.account)).unwrap();
        let elsewhere = world.another_organisation().await;
        world.mediator_of(&elsewhere, "Zoe Martin").await;
        ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        assert_eq!(world.signals_of_the_day(0).await, 0, "nothing asks");
        assert_eq!(told(&world).await.len(), 0);
        let bruno = world.mediator("Bruno Hoarau").await;
        let service = world.franceconnect_client().await;
        let opened = ana.opens_a_mandate_for("bernard", &[Logement], Month).await;
        bruno.uses(&service, &opened.citizen, Logement).await;
        assert_eq!(world.signals_of_the_day(0).await, 2);
        assert_eq!(world.signals_of_the_day(0).await, 0);
        let told = told(&world).await;
        assert_eq!(addresses(&told), [mia.email.as_str()]);
        let Message { subject, text, .. } = &told[0];
        assert!(subject.ends_with("une explication vous est demandée") && text.contains("avant le 6 décembre 2026"), "{subject} {text}");
        let link = text.lines().find(|line| line.starts_with("http")).unwrap().strip_prefix(&world.base).unwrap();
        assert!(mia.sees(link).await.link("/signals/sig_").is_some());
        for word in ["Bruno", "Silva", "CONNOR", "Bernard", "josephine", "mdt_", "acc_", "cit_"] {
            assert!(!text.contains(word) && !subject.contains(word), "{word}: {text}");
        }
    }

    /// Whoever a question is about may not answer it: the others are told.
    async fn whoever_a_question_is_about_is_not_who_is_told(world) {
        let ana = world.mediator("Ana Silva").await;
        let bruno = world.mediator("Bruno Hoarau").await;
        world.database.execute(&format!("update memberships set manager = true where account = '{}'", bruno.account)).unwrap();
        let service = world.franceconnect_client().await;
        let opened = bruno.opens_a_mandate_for("bernard", &[Logement], Month).await;
        bruno.uses(&service, &opened.citizen, Logement).await;
        assert_eq!(world.signals_of_the_day(0).await, 1, "on a Sunday");
        assert_eq!(addresses(&told(&world).await), [ana.email.as_str()]);
    }

    async fn where_nobody_manages_whoever_is_at_work_is_written_to(world) {
        let ana = world.mediator("Ana Silva").await;
        let bruno = world.mediator("Bruno Hoarau").await;
        let service = world.franceconnect_client().await;
        let opened = ana.opens_a_mandate_for("bernard", &[Logement], Month).await;
        bruno.uses(&service, &opened.citizen, Logement).await;
        assert_eq!(world.signals_of_the_day(0).await, 2);
        assert_eq!(addresses(&told(&world).await), [ana.email.as_str(), bruno.email.as_str()]);
    }
}
