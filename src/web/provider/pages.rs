//! Using a mandate at a public service: for whom, for which procedure. And leaving.

use askama::Template;

use crate::domain::procedure::Procedure;
use crate::web::moment::Moment;
use crate::web::parts::{CitizenRow, Errors, Pages};
use crate::web::shell::Shell;
use crate::web::texts::Presented;

/// `/provider/{flw}`: for whom.
#[derive(Debug, Template)]
#[template(path = "provider/citizens.html")]
pub struct ChooseCitizenPage {
    /// Frame.
    pub shell: Shell,
    /// `flw_…`
    pub flow: String,
    /// Name of the service that asks.
    pub service: String,
    /// What is searched, as typed; empty without a search.
    pub query: String,
    /// Whether the search was refused because it has fewer than 3 characters.
    pub too_short: bool,
    /// People with a live authorisation that the request allows.
    pub rows: Vec<CitizenRow>,
    /// Other pages.
    pub pages: Pages,
}

/// `/provider/{flw}/citizens/{cit}`: for which procedure.
#[derive(Debug, Template)]
#[template(path = "provider/procedures.html")]
pub struct ChooseProcedurePage {
    /// Frame.
    pub shell: Shell,
    /// `flw_…`
    pub flow: String,
    /// Name of the service that asks.
    pub service: String,
    /// `cit_…`
    pub citizen_id: String,
    /// Full name of the citizen.
    pub citizen: String,
    /// Birthdate in words.
    pub birthdate: String,
    /// Full name of the organisation.
    pub organisation: String,
    /// Procedures the citizen gave and the request allows, each with its end.
    pub procedures: Vec<(Procedure, Moment)>,
    /// Field `procedure`.
    pub errors: Errors,
}

impl ChooseProcedurePage {
    fn choices(&self) -> Vec<(&'static str, Presented, &Moment)> {
        let shown = |procedure: &Procedure| self.shell.t.procedure(*procedure);
        self.procedures.iter().map(|(procedure, ends)| (procedure.key(), shown(procedure), ends)).collect()
    }
}

/// A request that must not be answered by a redirect: an unknown client, an address that is not the client's.
#[derive(Debug, Template)]
#[template(path = "provider/refused.html")]
pub struct RefusedRequestPage {
    /// Frame.
    pub shell: Shell,
    /// What is wrong, for whoever runs the service: general words, nothing of the request is repeated.
    pub sentence: String,
    /// What the operator looks for in the logs.
    pub reference: Option<String>,
}

/// `/sign-out`: asks before signing out.
#[derive(Debug, Template)]
#[template(path = "provider/sign_out.html")]
pub struct SignOutPage {
    /// Frame.
    pub shell: Shell,
}

/// After signing out, when there is no address to go back to.
#[derive(Debug, Template)]
#[template(path = "provider/signed_out.html")]
pub struct SignedOutPage {
    /// Frame.
    pub shell: Shell,
}
