//! Opening a mandate at the counter: the form, FranceConnect, the citizen's agreement, the recap, and what it leaves behind.

mod agreement;
mod binding;
mod callback;
mod citizen;
mod confirming;
mod document;
mod form;
mod identity;
mod platform;
mod providers;
mod refusing;
mod replacing;
mod signatures;
mod terms;
mod tokens;
mod whole;

use mandataire::demo::browser::{Form, Page};
use mandataire::domain::event::Kind;
use mandataire::domain::id::{DraftId, OrganisationId};
use mandataire::domain::language::Language;
use mandataire::domain::refusal::Refusal;
use mandataire::web::texts::texts;

use crate::world::World;

/// Whether a page says the sentence of a refusal.
pub(crate) fn says(page: &Page, refusal: Refusal) -> bool {
    page.text().contains(texts(Language::Fr).refusal(refusal))
}

/// The draft that a page, or an address passed on the way to it, names.
pub(crate) fn draft_of(page: &Page) -> DraftId {
    let ways = page.hops.iter().map(|hop| &hop.url).chain([&page.url]);
    let mut named = ways.filter_map(|url| {
        let found = url.as_str().find("drf_")?;
        url.as_str().get(found..found + 30)?.parse().ok()
    });
    named.next_back().unwrap_or_else(|| panic!("a draft in {}", page.url))
}

/// What the form of an opening holds when it is shown again.
pub(crate) fn kept(page: &Page) -> (Vec<String>, Option<String>) {
    let form = page.form("/mandates/drafts").unwrap_or_else(|| panic!("the form: {} {}", page.status, page.text()));
    let chosen = form.fields().iter().filter(|(name, _)| name == "procedures").map(|(_, value)| value.clone());
    (chosen.collect(), form.value("term").map(str::to_owned))
}

/// The confirmation of a draft whose recap was never shown: any form of the same browser, filled in and aimed at it.
pub(crate) fn confirmation(page: &Page, draft: &DraftId, code: &str) -> Form {
    let any = page.form("/sign-out").unwrap().aimed_at(&format!("/mandates/drafts/{draft}"));
    any.with("in_front", "yes").with("informed", "yes").with("code", code)
}

impl World {
    /// No mandate was opened, and none gave way.
    pub(crate) async fn has_no_mandate(&self) {
        assert_eq!(self.count(Kind::MandateOpened).await, 0);
        assert_eq!(self.count(Kind::AuthorisationReplaced).await, 0);
    }

    /// The manager of an organisation offers these procedures, and no other.
    pub(crate) fn offers(&self, organisation: &OrganisationId, procedures: &str) {
        let sql = format!("update organisations set procedures = '{procedures}' where id = '{organisation}'");
        self.database.execute(&sql).unwrap();
    }

    /// An organisation takes another name.
    pub(crate) fn renames(&self, organisation: &OrganisationId, name: &str) {
        self.database
            .execute(&format!("update organisations set name = '{name}' where id = '{organisation}'"))
            .unwrap();
    }
}
