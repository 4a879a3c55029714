//! Today, the people, their mandates.

use askama::Template;

use crate::web::moment::Moment;
use crate::web::parts::{Badge, CitizenRow, Errors, Pages, UseLine};
use crate::web::shell::Shell;
use crate::web::texts::Texts;

/// `/home`
#[derive(Debug, Template)]
#[template(path = "counter/today.html")]
pub struct TodayPage {
    /// Frame.
    pub shell: Shell,
    /// Whether this person may open mandates.
    pub can_open: bool,
    /// Uses of the day whose outcome nobody has told.
    pub uses: Vec<AwaitedUse>,
    /// Mandates that end within 7 days, the nearest first.
    pub ending: Vec<EndingMandate>,
}

/// A use that awaits its outcome.
#[derive(Debug, Clone)]
pub struct AwaitedUse {
    /// `use_…`
    pub id: String,
    /// When.
    pub at: Moment,
    /// Full name of the citizen.
    pub citizen: String,
    /// `cit_…`
    pub citizen_id: String,
    /// Short title of the procedure.
    pub procedure: String,
    /// Name of the public service.
    pub service: String,
}

/// A mandate that ends soon.
#[derive(Debug, Clone)]
pub struct EndingMandate {
    /// `mdt_…`
    pub id: String,
    /// Full name of the citizen.
    pub citizen: String,
    /// Short titles of its live procedures.
    pub procedures: Vec<String>,
    /// Its end.
    pub ends: Moment,
}

/// Which mandates a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// `tab=active`
    Active,
    /// `tab=ended`
    Ended,
}

/// `/citizens`
#[derive(Debug, Template)]
#[template(path = "counter/citizens.html")]
pub struct CitizensPage {
    /// Frame.
    pub shell: Shell,
    /// Which list.
    pub tab: Tab,
    /// What is searched, as typed; empty without a search.
    pub query: String,
    /// Whether the search was refused because it has fewer than 3 characters.
    pub too_short: bool,
    /// The people of this page.
    pub rows: Vec<CitizenRow>,
    /// The other pages.
    pub pages: Pages,
}

impl CitizensPage {
    const fn is_active(&self) -> bool {
        matches!(self.tab, Tab::Active)
    }
}

/// `/citizens/{cit}`
#[derive(Debug, Template)]
#[template(path = "counter/citizen.html")]
pub struct CitizenPage {
    /// Frame.
    pub shell: Shell,
    /// Full name.
    pub name: String,
    /// Birthdate in words.
    pub birthdate: String,
    /// `cit_…`
    pub id: String,
    /// Whether this person may open mandates, and write down a phone number.
    pub can_open: bool,
    /// Where the organisation can call them, as people read it; empty if it does not know.
    pub phone: String,
    /// The number as typed, while it is wrong.
    pub typed: Option<String>,
    /// Field `phone`.
    pub errors: Errors,
    /// Mandates with this organisation, the latest first.
    pub mandates: Vec<MandateCard>,
    /// Whether there are older ones, not shown.
    pub older: bool,
    /// Uses by this organisation, the latest first.
    pub uses: Vec<UseLine>,
    /// Other pages of the uses.
    pub pages: Pages,
}

/// A mandate in short.
#[derive(Debug, Clone)]
pub struct MandateCard {
    /// `mdt_…`
    pub id: String,
    /// Its state.
    pub badge: Badge,
    /// Short titles of its procedures, and whether each is live.
    pub procedures: Vec<(String, bool)>,
    /// Opening.
    pub opened: Moment,
    /// End.
    pub ends: Moment,
}

/// `/mandates/{mdt}`
#[derive(Debug, Template)]
#[template(path = "counter/mandate.html")]
pub struct MandatePage {
    /// Frame.
    pub shell: Shell,
    /// `mdt_…`
    pub id: String,
    /// `cit_…`
    pub citizen_id: String,
    /// Full name of the citizen.
    pub citizen: String,
    /// Full name of the organisation.
    pub organisation: String,
    /// Its state.
    pub badge: Badge,
    /// "31 jours".
    pub term: String,
    /// Opening.
    pub opened: Moment,
    /// Name of the mediator who opened it.
    pub opened_by: String,
    /// When the citizen agreed.
    pub agreed: Moment,
    /// End: the instant from which nothing works any more.
    pub ends: Moment,
    /// Its procedures, in the order of the screens.
    pub authorisations: Vec<AuthorisationLine>,
    /// Whether this person may still stop it.
    pub revocable: bool,
    /// SHA-256 of the frozen document, in hexadecimal.
    pub document_hash: String,
    /// Uses, the latest first.
    pub uses: Vec<UseLine>,
    /// Other pages of the uses.
    pub pages: Pages,
}

/// One procedure of a mandate.
#[derive(Debug, Clone)]
pub struct AuthorisationLine {
    /// Key of the procedure.
    pub key: String,
    /// Long title.
    pub title: String,
    /// Its state.
    pub badge: Badge,
    /// When it stopped before its term, if it did.
    pub stopped: Option<Moment>,
    /// Why it was stopped, in words.
    pub reason: Option<String>,
    /// Whether this person may still stop it alone.
    pub revocable: bool,
}

/// The reasons of a revocation: a closed list, so that nobody writes about the citizen in it.
pub const REASONS: [&str; 5] = ["citizen_asked", "procedure_done", "mistake", "citizen_absent", "other"];

/// A reason in words; unknown keys are "another reason".
#[must_use]
pub fn reason(key: &str, t: &Texts) -> &'static str {
    match key {
        "citizen_asked" => t.reason_citizen_asked(),
        "procedure_done" => t.reason_procedure_done(),
        "mistake" => t.reason_mistake(),
        "citizen_absent" => t.reason_citizen_absent(),
        _ => t.reason_other(),
    }
}

/// `/mandates/{mdt}/revocation`
#[derive(Debug, Template)]
#[template(path = "counter/revocation.html")]
pub struct RevocationPage {
    /// Frame.
    pub shell: Shell,
    /// `mdt_…`
    pub mandate_id: String,
    /// Full name of the citizen.
    pub citizen: String,
    /// Key of the one procedure to stop; all of them without it.
    pub procedure: Option<String>,
    /// Long titles of what stops.
    pub stopped: Vec<String>,
    /// Key of the chosen reason; empty at first.
    pub reason: String,
    /// Field `reason`.
    pub errors: Errors,
}

impl RevocationPage {
    fn title(&self) -> &'static str {
        let t = self.shell.t;
        if self.procedure.is_some() { t.revocation_title_procedure() } else { t.revocation_title_mandate() }
    }

    /// Key, words and whether it is chosen. The first radio bears the identifier that the summary of errors links to.
    fn reasons(&self) -> Vec<(&'static str, &'static str, bool)> {
        REASONS.iter().map(|key| (*key, reason(key, self.shell.t), self.reason == *key)).collect()
    }
}
