//! The screens that belong to the citizen: nothing of the mediator's is on them.

use askama::Template;

use crate::web::document::Document;
use crate::web::parts::Errors;
use crate::web::shell::Shell;

/// After the answer, on a screen that is not the mediator's.
#[derive(Debug, Template)]
#[template(path = "citizen/done.html")]
pub struct DonePage {
    /// Frame; `person` is not shown.
    pub shell: Shell,
    /// Whether the answer was yes.
    pub agreed: bool,
}

/// `/agreements/{token}`: the citizen reads the mandate and says yes or no.
#[derive(Debug, Template)]
#[template(path = "citizen/agreement.html")]
pub struct AgreementPage {
    /// Frame; its language is the one in which the citizen reads, and `person` is not shown.
    pub shell: Shell,
    /// The token of the address.
    pub token: String,
    /// Exactly the text whose SHA-256 is recorded.
    pub document: Document,
    /// SHA-256 of the text, in hexadecimal: the answer is to exactly this.
    pub digest: String,
    /// Whether `unprotected` is ticked.
    pub unprotected: bool,
    /// Field `unprotected`.
    pub errors: Errors,
}
