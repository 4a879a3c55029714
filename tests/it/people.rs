//! The people of an organisation: the lists, the search, one person, the day's work.

mod history;
mod lists;
mod phones;
mod today;

use mandataire::demo::browser::Page;
use mandataire::domain::assurance::{Assurance, Authentication};
use mandataire::domain::authenticator::FreshCode;
use mandataire::domain::citizen::{Claims, Identity};
use mandataire::domain::digest::Digest;
use mandataire::domain::id::{AgreementId, AuthorisationId, CitizenId, DraftId, MandateId, OrganisationId, SessionId};
use mandataire::domain::language::Language;
use mandataire::domain::mandate::draft::{Answer, Draft, Person};
use mandataire::domain::mandate::open::{self, Declaration, Ids};
use mandataire::domain::mediator::{Mediator, Member};
use mandataire::domain::procedure::Procedure;
use mandataire::domain::term::Term;
use mandataire::store::{Tx, accounts, citizens, drafts, mandates, sessions};

use crate::world::World;
use crate::world::actor::{Actor, Opened};

/// A civil status with these names.
fn identity(given: &str, family: &str, used: Option<&str>) -> Identity {
    let claims = Claims {
        given_name: Some(given.to_owned()),
        family_name: Some(family.to_owned()),
        preferred_username: used.map(str::to_owned),
        birthdate: Some("1960-05-04".to_owned()),
        gender: Some("female".to_owned()),
        birthplace: Some("75107".to_owned()),
        birthcountry: Some("99100".to_owned()),
        email: Some("quelqu.un@usagers.example.fr".to_owned()),
    };
    claims.try_into().expect("an identity")
}

/// The person on each line of a list.
fn listed(page: &Page) -> Vec<CitizenId> {
    let lines = page.links().into_iter().filter_map(|link| link.url.path().strip_prefix("/citizens/")?.parse().ok());
    lines.collect()
}

impl World {
    /// Opens a mandate without a browser: the domain and the store alone. The name is the person.
    async fn opens(&self, actor: &Actor, organisation: &OrganisationId, identity: Identity, term: Term) -> Opened {
        let (account, organisation, now) = (actor.account.clone(), organisation.clone(), self.now());
        let (random, subject) = (self.random.clone(), format!("{} {}", identity.given_name, identity.family_name));
        let number = move || random.u128();
        let made = self.app.store.write(move |tx| {
            let session = SessionId::new(now, number());
            let mediator = mediator(tx, &account, &organisation, &session, now);
            let token = number().to_be_bytes();
            let new = sessions::New {
                id: &session,
                token_hash: &token,
                account: &account,
                organisation: Some(&organisation),
                csrf: "none",
                code_at: Some(now),
                authentication: Authentication::Code,
            };
            sessions::create(tx, &new, now)?;
            let procedures = [Procedure::Logement].into();
            let draft = Draft::start(&mediator, procedures, term, DraftId::new(now, number()), now).expect("a draft");
            let expected = drafts::Expected {
                provider: "franceconnect",
                state_hash: &number().to_be_bytes(),
                nonce: "n",
                verifier: None,
            };
            drafts::start(tx, &draft, &expected)?;
            let known = citizens::recognise(tx, "https://issuer.example", &subject, &identity, now)?;
            let person = Person { id: known.id.clone(), identity, assurance: Assurance::Low };
            let draft =
                drafts::save(tx, draft.identified(&mediator, person, now.date_naive(), now).expect("identified"))?;
            let name = &mediator.organisation().name;
            let shown = Digest::of(draft.text(name, Language::Fr).expect("a text").as_bytes()).to_string();
            let answer = Answer { agrees: true, declares_no_protection: true, language: Language::Fr, shown };
            let answered = draft.answered(&answer, name, AgreementId::new(now, number()), now).expect("agreed");
            let draft = drafts::save(tx, answered)?;
            let held = mandates::holding_locked(tx, &organisation, &known.id)?;
            let ids = Ids {
                mandate: MandateId::new(now, number()),
                authorisations: vec![AuthorisationId::new(now, number())],
            };
            let declared = Declaration { in_front: true, informed: true };
            let code = FreshCode::remembered(now);
            let opening = open::open(draft, &mediator, declared, code, &held, ids, now).expect("opened");
            let mandate = mandates::open(tx, opening)?;
            Ok::<_, mandataire::store::Error>(Opened { mandate: mandate.id, citizen: mandate.citizen })
        });
        made.await.expect("the mandate is written")
    }
}

fn mediator(
    tx: &mut Tx<'_>,
    account: &mandataire::domain::id::AccountId,
    organisation: &OrganisationId,
    session: &SessionId,
    now: mandataire::domain::Instant,
) -> Mediator {
    let found = accounts::find(tx, account).expect("an account");
    let roles = accounts::memberships(tx, account).expect("roles");
    let (role, organisation) = roles.into_iter().find(|(_, one)| one.id == *organisation).expect("a role there");
    Mediator::new(Member::new(found, role, organisation, session.clone()).expect("a member"), now).expect("a mediator")
}
