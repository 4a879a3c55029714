//! Facts: what the journal records. A change of state leaves the domain only together with its facts.

mod journalled;
mod owner;

pub use journalled::Journalled;
pub use owner::Owner;

use super::Instant;
use super::id::{AccountId, CitizenId, MandateId, OrganisationId};
use super::procedure::Procedure;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)+) => {
        /// What happened. The code is what the journal stores and the auditor filters by.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $($(#[$doc])* $name,)+ }

        impl Kind {
            /// Every kind, in the order of the auditor's filter.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The stored code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// The kind behind a stored code.
            #[must_use]
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.code() == code)
            }
        }
    };
}

kinds! {
    /// A mediator, manager or auditor signed in with both factors.
    SignedIn = "signed_in",
    /// A sign-in was refused.
    SignInRefused = "sign_in_refused",
    /// A session was closed by its owner.
    SignedOut = "signed_out",
    /// A fresh code was accepted within a session.
    CodeAccepted = "code_accepted",
    /// A code was refused within a session.
    CodeRefused = "code_refused",
    /// An authenticator was enrolled.
    FactorEnrolled = "factor_enrolled",
    /// An authenticator was locked after too many failures.
    FactorLocked = "factor_locked",
    /// A recovery code was used.
    RecoveryCodeUsed = "recovery_code_used",
    /// The terms of use were accepted.
    TermsAccepted = "terms_accepted",
    /// A member chose another of their organisations.
    OrganisationChosen = "organisation_chosen",
    /// A citizen identified through FranceConnect at the counter.
    CitizenIdentified = "citizen_identified",
    /// An identification at the counter failed or was refused.
    IdentificationRefused = "identification_refused",
    /// FranceConnect sent another identity under a known subject.
    IdentityChanged = "identity_changed",
    /// The identity of a known citizen came under another subject. Both stay apart.
    IdentityShared = "identity_shared",
    /// The citizen agreed to the text shown.
    AgreementGiven = "agreement_given",
    /// The citizen refused.
    AgreementRefused = "agreement_refused",
    /// A mandate was opened.
    MandateOpened = "mandate_opened",
    /// An opening was refused.
    OpeningRefused = "opening_refused",
    /// A draft was abandoned.
    DraftCancelled = "draft_cancelled",
    /// A live authorisation gave way to a newer one.
    AuthorisationReplaced = "authorisation_replaced",
    /// An authorisation was revoked.
    AuthorisationRevoked = "authorisation_revoked",
    /// A revocation was refused.
    RevocationRefused = "revocation_refused",
    /// A mandate for the time of a presence ended with that presence.
    PresenceEnded = "presence_ended",
    /// The citizen's identity was issued to a public service.
    Use = "use",
    /// A service was answered again without a page, as the mediator had chosen a moment before.
    UseRepeated = "use_repeated",
    /// A use was refused.
    UseRefused = "use_refused",
    /// The mediator said what came of a use.
    OutcomeRecorded = "outcome_recorded",
    /// A citizen's page was read.
    CitizenRead = "citizen_read",
    /// A phone number of a citizen was written down, under a pseudonym.
    PhoneRecorded = "phone_recorded",
    /// It was taken out again.
    PhoneForgotten = "phone_forgotten",
    /// A mandate, or its document, was read.
    MandateRead = "mandate_read",
    /// An auditor declared the purpose of a reading.
    PurposeDeclared = "purpose_declared",
    /// The journal was read.
    JournalRead = "journal_read",
    /// A request was refused for security: wrong token, foreign object, forged parameter.
    SecurityRefused = "security_refused",
    /// An act was refused by a rule.
    ActRefused = "act_refused",
    /// An authorisation code was presented again: what it gave is revoked.
    CodeReplayed = "code_replayed",
    /// A service gave back the token of a use.
    TokenRevoked = "token_revoked",
    /// An organisation was created.
    OrganisationCreated = "organisation_created",
    /// An organisation was suspended: its mandates stop working.
    OrganisationSuspended = "organisation_suspended",
    /// A suspension was lifted.
    OrganisationResumed = "organisation_resumed",
    /// An account was created or given a role.
    AccountCreated = "account_created",
    /// An account was deactivated.
    AccountDeactivated = "account_deactivated",
    /// An account was reactivated.
    AccountReactivated = "account_reactivated",
    /// A locked authenticator was released.
    FactorReleased = "factor_released",
    /// A lost authenticator was withdrawn: the next sign-in enrols another.
    FactorWithdrawn = "factor_withdrawn",
    /// A client of the provider was registered.
    ClientRegistered = "client_registered",
    /// The registration of a client of the provider was changed.
    ClientChanged = "client_changed",
    /// A client's secret was changed.
    ClientSecretRotated = "client_secret_rotated",
    /// A mandate went into the restricted archive.
    MandateArchived = "mandate_archived",
    /// A mandate's agreement and document were destroyed.
    MandateDestroyed = "mandate_destroyed",
    /// A person's data went into the restricted archive.
    PersonArchived = "person_archived",
    /// A person's key was destroyed, and what it sealed.
    PersonDestroyed = "person_destroyed",
    /// What is over was purged: a run of the retention.
    RetentionRun = "retention_run",
    /// An officer asked to erase a person.
    ErasureRequested = "erasure_requested",
    /// Another officer agreed: the person was erased.
    ErasureApproved = "erasure_approved",
    /// A request to erase was declined.
    ErasureDeclined = "erasure_declined",
    /// Nobody decided a request to erase in time.
    ErasureExpired = "erasure_expired",
    /// A person's data must stay.
    HoldSet = "hold_set",
    /// They need no longer stay.
    HoldLifted = "hold_lifted",
    /// A backup was made.
    BackupMade = "backup_made",
    /// Persons' keys were brought together with a restored database.
    BackupRestored = "backup_restored",
    /// A signing key was made.
    KeyCreated = "key_created",
    /// A signing key signs from now on.
    KeyActivated = "key_activated",
    /// A signing key stopped signing, lost its private part, or left the key set.
    KeyRetired = "key_retired",
    /// An auditor asked who a pseudonym stands for.
    InquiryAsked = "inquiry_asked",
    /// A second auditor allowed it.
    InquiryApproved = "inquiry_approved",
    /// A second auditor refused it.
    InquiryDeclined = "inquiry_declined",
    /// The identity behind a pseudonym was read under an inquiry.
    IdentityRead = "identity_read",
    /// A list of the journal was taken away as a file.
    JournalExported = "journal_exported",
    /// Something in the journal asks for an explanation.
    SignalRaised = "signal_raised",
    /// The organisation explained it.
    SignalAnswered = "signal_answered",
    /// An auditor wrote a finding.
    FindingRecorded = "finding_recorded",
    /// An authority timestamped a checkpoint (RFC 3161).
    JournalTimestamped = "journal_timestamped",
}

/// A fact, before it becomes an entry of the journal. Its clear part holds pseudonymous identifiers and codes only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub kind: Kind,
    /// When, to the microsecond.
    pub at: Instant,
    /// Who acted, if anybody was known.
    pub actor: Option<AccountId>,
    /// The account acted upon, if it is another.
    pub subject: Option<AccountId>,
    /// The organisation in whose name.
    pub organisation: Option<OrganisationId>,
    /// The citizen concerned.
    pub citizen: Option<CitizenId>,
    /// The mandate concerned.
    pub mandate: Option<MandateId>,
    /// The procedure concerned.
    pub procedure: Option<Procedure>,
    /// The client (public service or federation) concerned, by its identifier.
    pub client: Option<String>,
    /// Further clear facts: codes, hashes, instants. Never a text about a person.
    pub facts: Vec<(&'static str, String)>,
    /// What may be read only with the person's key.
    pub private: Option<(Owner, Vec<(&'static str, String)>)>,
}

impl Event {
    /// A fact with nothing but its kind and instant.
    #[must_use]
    pub const fn new(kind: Kind, at: Instant) -> Self {
        Self {
            kind,
            at,
            actor: None,
            subject: None,
            organisation: None,
            citizen: None,
            mandate: None,
            procedure: None,
            client: None,
            facts: Vec::new(),
            private: None,
        }
    }

    /// Who acted.
    #[must_use]
    pub fn by(mut self, account: &AccountId) -> Self {
        self.actor = Some(account.clone());
        self
    }

    /// The account acted upon.
    #[must_use]
    pub fn on(mut self, account: &AccountId) -> Self {
        self.subject = Some(account.clone());
        self
    }

    /// In the name of an organisation.
    #[must_use]
    pub fn within(mut self, organisation: &OrganisationId) -> Self {
        self.organisation = Some(organisation.clone());
        self
    }

    /// About a citizen.
    #[must_use]
    pub fn about(mut self, citizen: &CitizenId) -> Self {
        self.citizen = Some(citizen.clone());
        self
    }

    /// Under a mandate.
    #[must_use]
    pub fn under(mut self, mandate: &MandateId) -> Self {
        self.mandate = Some(mandate.clone());
        self
    }

    /// For a procedure.
    #[must_use]
    pub const fn for_procedure(mut self, procedure: Procedure) -> Self {
        self.procedure = Some(procedure);
        self
    }

    /// At a client.
    #[must_use]
    pub fn at_client(mut self, client: &str) -> Self {
        self.client = Some(client.to_owned());
        self
    }

    /// With a further clear fact.
    #[must_use]
    pub fn fact(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.facts.push((name, value.into()));
        self
    }

    /// With a sealed part.
    #[must_use]
    pub fn sealed_for(mut self, owner: Owner, values: Vec<(&'static str, String)>) -> Self {
        self.private = Some((owner, values));
        self
    }
}
