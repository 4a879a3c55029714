//! Erasures and holds.

use askama::Template;

use crate::domain::erasure::{Decision, Ground, HoldGround};
use crate::web::moment::Moment;
use crate::web::parts::{Errors, Pages};
use crate::web::shell::Shell;
use crate::web::texts::Texts;

/// What a ground means.
#[must_use]
pub const fn ground(ground: Ground, t: &Texts) -> &'static str {
    match ground {
        Ground::PersonAsked => t.ground_person_asked(),
        Ground::Unlawful => t.ground_unlawful(),
        Ground::Ordered => t.ground_ordered(),
        Ground::Died => t.ground_died(),
    }
}

/// What the ground of a hold means.
#[must_use]
pub const fn hold_ground(ground: HoldGround, t: &Texts) -> &'static str {
    match ground {
        HoldGround::Litigation => t.ground_litigation(),
        HoldGround::Inquiry => t.ground_inquiry(),
        HoldGround::Complaint => t.ground_complaint(),
    }
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// For another officer.
    Waiting,
    /// By another officer.
    Decided(Decision),
}

impl State {
    /// In words.
    #[must_use]
    pub const fn text(self, t: &Texts) -> &'static str {
        match self {
            Self::Waiting => t.office_waiting(),
            Self::Decided(Decision::Approved) => t.office_approved(),
            Self::Decided(Decision::Declined) => t.office_declined(),
            Self::Decided(Decision::Expired) => t.office_expired(),
        }
    }

    /// The class of its badge.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Waiting => "ending",
            Self::Decided(_) => "ended",
        }
    }
}

/// A request in the list, and on its page.
#[derive(Debug, Clone)]
pub struct RequestRow {
    /// `ers_…`
    pub id: String,
    /// `cit_…`
    pub citizen: String,
    /// In words.
    pub ground: &'static str,
    /// `acc_…`
    pub asked_by: String,
    /// When.
    pub asked: Moment,
    /// When it is over if nobody decides.
    pub ends: Moment,
    /// Where it stands.
    pub state: State,
}

/// A hold in the list.
#[derive(Debug, Clone)]
pub struct HoldRow {
    /// `hld_…`
    pub id: String,
    /// `cit_…` or `acc_…`
    pub person: String,
    /// In words.
    pub ground: &'static str,
    /// Since when.
    pub since: Moment,
}

/// `/office`
#[derive(Debug, Template)]
#[template(path = "office/office.html")]
pub struct OfficePage {
    /// Frame.
    pub shell: Shell,
    /// Requests, the latest first.
    pub requests: Vec<RequestRow>,
    /// Other pages of them.
    pub pages: Pages,
    /// Holds that are set, the latest first.
    pub holds: Vec<HoldRow>,
}

/// `/office/erasures/new`
#[derive(Debug, Template)]
#[template(path = "office/ask.html")]
pub struct AskPage {
    /// Frame.
    pub shell: Shell,
    /// As typed.
    pub citizen: String,
    /// The code of the ground chosen.
    pub chosen: String,
    /// Fields `citizen`, `ground`, `code`.
    pub errors: Errors,
}

impl AskPage {
    fn grounds(&self) -> Vec<(&'static str, &'static str, bool)> {
        Ground::ALL.iter().map(|one| (one.code(), ground(*one, self.shell.t), one.code() == self.chosen)).collect()
    }
}

/// `/office/erasures/{ers}`
#[derive(Debug, Template)]
#[template(path = "office/erasure.html")]
pub struct ErasurePage {
    /// Frame.
    pub shell: Shell,
    /// The request.
    pub request: RequestRow,
    /// Whether whoever looks asked for it: another one must approve.
    pub own: bool,
    /// Field `code`.
    pub errors: Errors,
}

/// `/office/holds/new`
#[derive(Debug, Template)]
#[template(path = "office/hold.html")]
pub struct HoldPage {
    /// Frame.
    pub shell: Shell,
    /// As typed.
    pub person: String,
    /// The code of the ground chosen.
    pub chosen: String,
    /// Fields `person`, `ground`.
    pub errors: Errors,
}

impl HoldPage {
    fn grounds(&self) -> Vec<(&'static str, &'static str, bool)> {
        let all = HoldGround::ALL.iter();
        all.map(|one| (one.code(), hold_ground(*one, self.shell.t), one.code() == self.chosen)).collect()
    }
}
