//! Why an act is refused. Every refusal has a code for the journal and a sentence for the person who reads it.

macro_rules! refusals {
    ($($name:ident = $code:literal, $sentence:literal;)+) => {
        /// Why not. `Display` is the English sentence for logs; the screens have their own in each language.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
        pub enum Refusal { $(#[doc = $sentence] #[error($sentence)] $name,)+ }

        impl Refusal {
            /// Every refusal.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The code written in the journal.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }
        }
    };
}

refusals! {
    // Who acts.
    AccountInactive = "account_inactive", "This account is deactivated.";
    TermsNotAccepted = "terms_not_accepted", "The terms of use are not accepted.";
    NotAMediator = "not_a_mediator", "Only a mediator of the organisation may do this.";
    NotAMember = "not_a_member", "Only a mediator or manager of the organisation may do this.";
    NotCertified = "not_certified", "The mediator's certification has ended.";
    OrganisationSuspended = "organisation_suspended", "The organisation is suspended.";
    SignInFailed = "sign_in_failed", "The link or the code is not accepted.";
    CodeRefused = "code_refused", "The code is not accepted.";
    FreshCodeNeeded = "fresh_code_needed", "A fresh code is needed for this.";
    FactorLocked = "factor_locked", "The authenticator is locked.";
    // Opening.
    NoProcedure = "no_procedure", "At least one procedure must be chosen.";
    ProcedureNotAllowed = "procedure_not_allowed", "The organisation does not offer this procedure.";
    NoTerm = "no_term", "A term must be chosen.";
    DraftNotYours = "draft_not_yours", "This draft belongs to another session, person or organisation.";
    DraftExpired = "draft_expired", "The draft is older than 15 minutes.";
    DraftUsed = "draft_used", "The draft was already used.";
    DraftOutOfOrder = "draft_out_of_order", "A step of the opening is missing.";
    NotIdentified = "not_identified", "The citizen is not identified yet.";
    NotAgreed = "not_agreed", "The citizen has not agreed yet.";
    AgreementRefused = "agreement_refused", "The citizen refused.";
    AgreementOfAnotherText = "agreement_of_another_text", "The citizen agreed to another text.";
    ProtectionNotDeclared = "protection_not_declared", "The citizen did not declare having no legal protection measure.";
    NotInFront = "not_in_front", "The mediator did not confirm that this is the person in front of them.";
    NotInformed = "not_informed", "The mediator did not declare having informed the citizen.";
    Minor = "minor", "The citizen is not certainly of age.";
    MediatorIsCitizen = "mediator_is_citizen", "A mediator cannot be the citizen.";
    // Ending.
    NothingToRevoke = "nothing_to_revoke", "There is nothing left to revoke.";
    NoReason = "no_reason", "A reason must be given.";
    // Using.
    MandateExpired = "mandate_expired", "The mandate has expired.";
    AuthorisationEnded = "authorisation_ended", "The authorisation has ended.";
    ProcedureNotInMandate = "procedure_not_in_mandate", "The mandate does not name this procedure.";
    ProcedureNotAsked = "procedure_not_asked", "The service does not accept this procedure.";
    CitizenNotAsked = "citizen_not_asked", "The service asks for another person.";
    PresenceEnded = "presence_ended", "The mandate was for the time of a presence that has ended.";
    OtherOrganisation = "other_organisation", "The mandate binds another organisation.";
    SessionEnded = "session_ended", "The mediator's session has ended.";
    OutcomeKnown = "outcome_known", "The outcome was already recorded.";
    // The protocol around a use.
    FlowNotYours = "flow_not_yours", "This sign-in was started by another browser, session or person.";
    FlowExpired = "flow_expired", "This sign-in at the public service took longer than 10 minutes.";
    FlowUsed = "flow_used", "This sign-in at the public service is already over.";
    CodeExpired = "code_expired", "The authorisation code is older than 30 seconds.";
    CodeReplayed = "code_replayed", "The authorisation code was presented before.";
    CodeOfAnother = "code_of_another", "The authorisation code was given to another client.";
    RedirectDiffers = "redirect_differs", "The redirect URI is not the one of the request.";
    VerifierDiffers = "verifier_differs", "The code verifier does not match the challenge.";
    KeyDiffers = "key_differs", "The key proved is not the one that it is bound to.";
    TokenExpired = "token_expired", "The access token is older than 60 seconds.";
    TokenUsed = "token_used", "The access token was used before.";
    GrantRevoked = "grant_revoked", "What was given is revoked.";
    // Retention.
    NotAnOfficer = "not_an_officer", "Only an officer may do this.";
    NoGround = "no_ground", "A ground must be chosen.";
    NoSuchPerson = "no_such_person", "There is nobody with this identifier.";
    PersonHeld = "person_held", "A hold keeps this person's data.";
    PersonErased = "person_erased", "This person's data are destroyed already.";
    ErasureWaiting = "erasure_waiting", "A request about this person is waiting already.";
    ErasureOver = "erasure_over", "This request is decided, or older than 30 days.";
    SameOfficer = "same_officer", "Another officer must approve, in another session.";
    // Auditing.
    PurposeNeeded = "purpose_needed", "A purpose must be declared before reading.";
    NotAnAuditor = "not_an_auditor", "Only an auditor may do this.";
    InquiryOfOneself = "inquiry_of_oneself", "Another auditor must decide.";
    FindingOfOneself = "finding_of_oneself", "Another auditor must conclude.";
    InquiryDecided = "inquiry_decided", "The inquiry was already decided.";
    InquiryExpired = "inquiry_expired", "The inquiry, or the time to read under it, is over.";
    InquiryNotApproved = "inquiry_not_approved", "No second auditor approved the inquiry.";
    SignalAnswered = "signal_answered", "The signal was already answered.";
    SignalOfOneself = "signal_of_oneself", "Somebody else of the organisation must answer.";
    ExportQuota = "export_quota", "The auditor's quota of exported entries is used up.";
}
