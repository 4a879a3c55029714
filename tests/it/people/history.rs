//! Long histories: every use of a person's mandates is found, page after page, and none twice.

use std::collections::BTreeSet;

use mandataire::demo::browser::Page;
use mandataire::domain::id::UseId;
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::term::Term::Month;

use crate::on_each_backend;
use crate::world::World;

/// How many uses there are, the first one included.
const USES: usize = 123;

impl World {
    /// The one use there is happened many times over, each at a minute of its own.
    fn the_use_happened_many_times(&self) {
        let columns = "mandate, authorisation, organisation, citizen, account, client, procedure, at";
        for number in 1..USES {
            let id = UseId::new(self.now(), number as u128);
            let sql = format!("insert into uses (id, {columns}) select '{id}', {columns} from uses limit 1");
            self.database.execute(&sql).unwrap();
        }
    }
}

fn lines(page: &Page) -> usize {
    page.body.matches("<th scope=\"row\" data-label=").count()
}

on_each_backend! {
    async fn a_long_list_of_uses_goes_on_on_further_pages(world) {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let service = world.franceconnect_client().await;
        ana.uses(&service, &opened.citizen, Logement).await;
        world.the_use_happened_many_times();
        for path in [format!("/mandates/{}", opened.mandate), format!("/citizens/{}", opened.citizen)] {
            let (mut page, mut shown, mut seen) = (ana.sees(&path).await, Vec::new(), BTreeSet::new());
            loop {
                shown.push(lines(&page));
                let further = |url: &url::Url| url.fragment() == Some("uses") && url.query().is_some();
                let more = page.links().into_iter().find(|link| further(&link.url));
                let Some(next) = more else { break };
                assert!(seen.insert(next.url.to_string()), "the same page twice");
                page = ana.browser.follow(next.url.as_str()).await.unwrap();
                assert_eq!(page.status, 200);
                assert!(page.links().iter().any(|link| link.url.path() == path && link.url.query().is_none()), "back to the first");
            }
            assert_eq!(shown, [50, 50, 23], "{path}");
            assert_eq!(ana.gets(&format!("{path}?after=nonsense")).await.status, 400);
        }
    }
}
