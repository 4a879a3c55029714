//! What is there before trouble begins: an organisation, and openings at the moment when the citizen is asked to agree, each with a
//! mediator of its own, because a code of an authenticator is accepted once in thirty seconds.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use mandataire::clock::{Clock, Random};
use mandataire::credential::{self, SEED_BYTES};
use mandataire::domain::Instant;
use mandataire::domain::assurance::{Assurance, Authentication};
use mandataire::domain::authenticator::Authenticator;
use mandataire::domain::citizen::{Claims, Identity};
use mandataire::domain::client::Client;
use mandataire::domain::digest::Digest;
use mandataire::domain::id::{AccountId, AuthenticatorId, DraftId, OrganisationId, SessionId};
use mandataire::domain::language::Language;
use mandataire::domain::mandate::draft::{Draft, Person};
use mandataire::domain::mediator::{Account, Mediator, Member, Membership};
use mandataire::domain::organisation::Organisation;
use mandataire::domain::procedure::Procedure::{self, Justice, Logement};
use mandataire::domain::term::Term;
use mandataire::store::drafts::Expected;
use mandataire::store::{Error, Location, Store, Tx};
use mandataire::store::{accounts, authenticators, citizens, clients, drafts, organisations, sessions, sign_in};

/// The master key of these databases.
pub(crate) const MASTER_KEY: [u8; 32] = [
    0x1a, 0x6b, 0x1f, 0xb7, 0xf0, 0x26, 0x44, 0xc8, 0x00, 0xa3, 0x1a, 0x23, 0x56, 0x6a, 0x5f, 0xb8, 0x93, 0xa2, 0x5f,
    0x90, 0xdf, 0x1a, 0x49, 0x62, 0x77, 0xc4, 0x81, 0x86, 0x64, 0x82, 0x24, 0x4b,
];
/// What every mandate here is for.
pub(crate) const PROCEDURES: [Procedure; 2] = [Logement, Justice];
/// Fewer citizens than openings: a mandate often replaces another one.
const CITIZENS: usize = 12;
/// Openings prepared in one transaction.
const TOGETHER: usize = 32;

/// An opening that waits for the citizen's answer, and everything that its mediator's browser knows.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// The mediator.
    pub(crate) account: AccountId,
    /// The seed of their authenticator.
    pub(crate) seed: [u8; SEED_BYTES],
    /// The secret of their session.
    pub(crate) cookie: String,
    /// The token of its forms.
    pub(crate) csrf: String,
    /// The draft.
    pub(crate) draft: DraftId,
    /// The secret address of the citizen's screen.
    pub(crate) agreement: String,
    /// The digest of the text on it.
    pub(crate) shown: String,
    /// Whether the mandate is ended afterwards.
    pub(crate) ends: bool,
}

/// An organisation on a database.
#[derive(Clone)]
pub(crate) struct Office {
    location: Location,
    organisation: Organisation,
    random: Random,
}

impl Office {
    /// Migrates a new database and creates the organisation.
    pub(crate) async fn new(location: &Location) -> Self {
        Store::migrate(location).expect("the migrations run");
        let (now, random) = (Clock::system().now(), Random::system());
        let organisation = Organisation {
            id: OrganisationId::new(now, random.u128()),
            name: "Maison France services de Houdan".to_owned(),
            siret: "73282932000074".parse().unwrap(),
            address: "12 Grande Rue, 78550 Houdan".to_owned(),
            zone: "Europe/Paris".to_owned(),
            procedures: BTreeSet::from(PROCEDURES),
            suspended_at: None,
        };
        let office = Self { location: location.clone(), organisation, random };
        let created = office.organisation.clone();
        let made = office.store().write(move |tx| organisations::create(tx, created.create(now), now)).await;
        made.expect("the organisation is created");
        office
    }

    /// The organisation's identifier.
    pub(crate) fn organisation(&self) -> &OrganisationId {
        &self.organisation.id
    }

    /// The database, for the time of one piece of work: nobody else may hold the file of a killed `serve` open.
    pub(crate) fn store(&self) -> Store {
        Store::open(&self.location, 1, &MASTER_KEY, self.random.clone()).expect("the store opens")
    }

    /// New openings.
    pub(crate) async fn prepares(&self, count: usize) -> Vec<Case> {
        let (store, mut cases) = (self.store(), Vec::new());
        while cases.len() < count {
            let (office, first, until) = (self.clone(), cases.len(), count.min(cases.len() + TOGETHER));
            let made = store.write(move |tx| (first..until).map(|at| office.prepare(tx, at)).collect::<Result<_, _>>());
            let made: Vec<Case> = made.await.expect("the openings are prepared");
            cases.extend(made);
        }
        cases
    }

    fn prepare(&self, tx: &mut Tx<'_>, at: usize) -> Result<Case, Error> {
        let (now, random) = (Clock::system().now(), &self.random);
        let (account, membership, seed) = self.enrols(tx, now)?;
        let (session, cookie, csrf) = self.signs_in(tx, &account.id, now)?;
        let member = Member::new(account.clone(), membership, self.organisation.clone(), session);
        let mediator = member.and_then(|member| Mediator::new(member, now)).expect("a mediator");
        let draft = DraftId::new(now, random.u128());
        let draft = Draft::start(&mediator, BTreeSet::from(PROCEDURES), Term::Month, draft, now).expect("a draft");
        let expected =
            Expected { provider: "franceconnect", state_hash: &random.bytes::<32>(), nonce: "nonce", verifier: None };
        drafts::start(tx, &draft, &expected)?;
        let (subject, identity) = self.citizen(at % CITIZENS);
        let known = citizens::recognise(tx, "https://franceconnect.example", &subject, &identity, now)?;
        let today = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        let person = Person { id: known.id, identity, assurance: Assurance::Low };
        let draft = drafts::save(tx, draft.identified(&mediator, person, today, now).expect("identified"))?;
        let agreement = random.token();
        drafts::offer_agreement(tx, &draft.id, &credential::token_hash(&agreement))?;
        let text = draft.text(&self.organisation.name, Language::Fr).expect("a text");
        let shown = Digest::of(text.as_bytes()).to_string();
        Ok(Case {
            account: account.id,
            seed,
            cookie,
            csrf,
            draft: draft.id,
            agreement,
            shown,
            ends: at.is_multiple_of(2),
        })
    }

    fn enrols(&self, tx: &mut Tx<'_>, now: Instant) -> Result<(Account, Membership, [u8; SEED_BYTES]), Error> {
        let (id, random) = (AccountId::new(now, self.random.u128()), &self.random);
        let email = format!("{:032x}@houdan.example.fr", random.u128()).parse().unwrap();
        let account = Account {
            id: id.clone(),
            email,
            name: "Ana Silva".to_owned(),
            auditor: false,
            officer: false,
            active: true,
            terms: None,
        };
        let organisation = self.organisation.id.clone();
        let membership = Membership { organisation, mediator: true, manager: false, certified_until: None };
        let account = accounts::create(tx, account, Some(&membership), now)?;
        let account = accounts::save(tx, account.accept_terms(now))?;
        let (device, seed) = (AuthenticatorId::new(now, random.u128()), *credential::new_seed(random));
        authenticators::begin(tx, &device, &id, &seed, now)?;
        let (last_step, failures, locked_at, confirmed_at) = (0, 0, None, None);
        let device = Authenticator { id: device, account: id, last_step, failures, locked_at, confirmed_at };
        authenticators::save(tx, device.confirm(Some(0), now).expect("a first code confirms").0)?;
        Ok((account, membership, seed))
    }

    fn signs_in(
        &self,
        tx: &mut Tx<'_>,
        account: &AccountId,
        now: Instant,
    ) -> Result<(SessionId, String, String), Error> {
        let (id, cookie, csrf) = (SessionId::new(now, self.random.u128()), self.random.token(), self.random.token());
        let new = sessions::New {
            id: &id,
            token_hash: &credential::token_hash(&cookie),
            account,
            organisation: Some(&self.organisation.id),
            csrf: &csrf,
            code_at: Some(now),
            authentication: Authentication::Code,
        };
        sessions::create(tx, &new, now)?;
        Ok((id, cookie, csrf))
    }

    /// One of the citizens: the subject at FranceConnect, and the identity.
    fn citizen(&self, number: usize) -> (String, Identity) {
        let some = |text: &str| Some(text.to_owned());
        let claims = Claims {
            given_name: some("Joséphine Marie"),
            family_name: some("LEMOINE"),
            preferred_username: None,
            birthdate: some("1956-03-14"),
            gender: some("female"),
            birthplace: some("75107"),
            birthcountry: some("99100"),
            email: Some(format!("josephine{number}@usagers.example.fr")),
        };
        // Locks are of a whole server: the same citizen in two of its schemas would make two tests wait for each other.
        (format!("{}-{number}", self.organisation.id), Identity::try_from(claims).expect("a whole identity"))
    }

    /// The same mediator signed in at another machine.
    pub(crate) async fn elsewhere(&self, case: &Case) -> Case {
        let (office, account, now) = (self.clone(), case.account.clone(), Clock::system().now());
        let made = self.store().write(move |tx| office.signs_in(tx, &account, now)).await;
        let (_, cookie, csrf) = made.expect("a session");
        Case { cookie, csrf, ..case.clone() }
    }

    /// A link for signing in, as a mail brings it: its secret, and the secret of the browser that asked for it.
    pub(crate) async fn link(&self, case: &Case) -> (String, String) {
        let (token, browser, account) = (self.random.token(), self.random.token(), case.account.clone());
        let (link, secret, now) = (token.clone(), browser.clone(), Clock::system().now());
        let store = self.store();
        let asked = store.write(move |tx| {
            let request = sign_in::Request {
                token_hash: &credential::token_hash(&link),
                account: Some(&account),
                email_index: account.as_str().as_bytes(),
                browser_hash: &credential::token_hash(&secret),
            };
            sign_in::request(tx, &request, now)
        });
        assert!(asked.await.expect("a link"), "the first link of an address is sent");
        (token, browser)
    }

    /// Registers a public service of its own; its secret.
    pub(crate) async fn registers(&self, client: &Client) -> String {
        let (secret, client, now) = (self.random.token(), client.clone(), Clock::system().now());
        let (given, store) = (secret.clone(), self.store());
        store.write(move |tx| clients::register(tx, client.register(now), &given, now)).await.expect("registered");
        secret
    }
}

impl Case {
    /// What the authenticator shows now.
    pub(crate) fn code(&self) -> String {
        credential::code_at(&self.seed, Clock::system().now())
    }

    /// Whether a code of the authenticator still works for a request that is sent now.
    pub(crate) fn accepts(&self, code: &str) -> bool {
        let arrival = Clock::system().now() + chrono::TimeDelta::seconds(5);
        credential::matching_step(&self.seed, code, arrival).is_some()
    }
}
