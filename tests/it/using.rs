//! Using a mandate at a public service.

use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::{Justice, Logement};
use mandataire::domain::term::Term::Month;

use crate::on_each_backend;
use crate::world::service::{answered, claims};

on_each_backend! {
    /// The identity arrives byte for byte, once, and the ID token says who acts.
    async fn a_mandate_is_used_once_per_code(world) {
        let ana = world.mediator("Ana Silva").await;
        let service = world.franceconnect_client().await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement, Justice], Month).await;
        let page = ana.comes_from(&service.request()).await;
        let back = ana.chooses(&page, &opened.citizen, Logement).await;
        assert_eq!(back.status, 303);
        assert_eq!(answered(&back, "iss").as_deref(), Some(world.base.as_str()));
        assert_eq!(answered(&back, "state").as_deref(), Some("0123456789abcdef0123456789abcdef"));
        let token = service.exchanges(&answered(&back, "code").unwrap()).await;
        assert_eq!(token.status, 200, "{}", token.body);
        let id_token = claims(token.json()["id_token"].as_str().unwrap());
        assert_eq!(id_token["acr"], "eidas1");
        assert_eq!(id_token["act"]["sub"], ana.account.as_str());
        assert_eq!(id_token["mandate"]["id"], opened.mandate.as_str());
        assert_eq!(id_token["rep_scope"][0], "Logement");
        let access = token.json()["access_token"].as_str().unwrap().to_owned();
        let identity = service.asks_identity(&access).await;
        assert_eq!(identity.status, 200, "{}", identity.body);
        assert_eq!(identity.json()["sub"], id_token["sub"]);
        assert_eq!(service.asks_identity(&access).await.status, 401);
        assert_eq!(world.count(Kind::Use).await, 1);
    }
}
