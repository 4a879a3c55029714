//! What happens to a citizen of the generated past: a mandate is opened, used, revoked; rule by rule as the service does it.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use mandataire::domain::Instant;
use mandataire::domain::assurance::{Assurance, Authentication};
use mandataire::domain::digest::Digest;
use mandataire::domain::event::{Event, Kind};
use mandataire::domain::flow::Flow;
use mandataire::domain::id::{AgreementId, AuthorisationId, CitizenId, DraftId, FlowId, MandateId, UseId};
use mandataire::domain::language::Language;
use mandataire::domain::mandate::Mandate;
use mandataire::domain::mandate::draft::{Answer, Draft, Person};
use mandataire::domain::mandate::open::{self, Declaration, Ids};
use mandataire::domain::mandate::revoke::{Extent, Reason};
use mandataire::domain::mediator::Mediator;
use mandataire::domain::outcome::{Outcome, Use};
use mandataire::domain::procedure::Procedure;
use mandataire::domain::term::Term;
use mandataire::store::{Error, Tx, authenticators, citizens, drafts, flows, grants, journal, mandates, uses};

use crate::generate::{CLIENT, REDIRECT, World};
use crate::people;

/// Who vouched for the citizens of the past.
const ISSUER: &str = "https://franceconnect.example.fr/api/v2";
const TERMS: [Term; 4] = [Term::Month, Term::Month, Term::Semester, Term::Year];

/// A mandate is opened.
pub(crate) fn open(world: &mut World, tx: &mut Tx<'_>, citizen: usize, at: Instant) -> Result<(), Error> {
    let mediator = world.mediator_for(citizen);
    let wanted = 1 + world.chance.below(3);
    let procedures: BTreeSet<Procedure> = (0..wanted).map(|_| *world.chance.one(&Procedure::ALL)).collect();
    let term = *world.chance.one(&TERMS);
    let id = DraftId::new(at, world.random.u128());
    let draft = Draft::start(&mediator, procedures, term, id, at).expect("a draft starts");
    let draft = agreed(world, tx, &mediator, &draft, citizen, at)?;
    let now = at + TimeDelta::minutes(4);
    let (device, _) = authenticators::confirmed_locked(tx, &mediator.account().id)?.ok_or(Error::NotFound)?;
    let presented = device.present(Some(now.timestamp() / 30), now, Kind::CodeAccepted, Kind::CodeRefused);
    authenticators::save(tx, presented.authenticator)?;
    world.entries += 3;
    // The same mediator within the same thirty seconds: refused, as in life.
    let Ok(code) = presented.outcome else { return Ok(()) };
    let person = draft.citizen.clone().expect("a citizen");
    let held = mandates::holding_locked(tx, &draft.organisation, &person.id)?;
    let declaration = Declaration { in_front: true, informed: true };
    let ids = Ids {
        mandate: MandateId::new(now, world.random.u128()),
        authorisations: (0..10).map(|_| AuthorisationId::new(now, world.random.u128())).collect(),
    };
    let opening = open::open(draft, &mediator, declaration, code, &held, ids, now).expect("a mandate opens");
    world.entries += 1 + opening.value().closed.len();
    let mandate = mandates::open(tx, opening)?;
    world.held.insert(citizen, mandate);
    Ok(())
}

/// The citizen identifies and agrees.
fn agreed(
    world: &World,
    tx: &mut Tx<'_>,
    mediator: &Mediator,
    draft: &Draft,
    citizen: usize,
    at: Instant,
) -> Result<Draft, Error> {
    let (state_hash, nonce) = (world.random.bytes::<32>(), world.random.token());
    drafts::start(
        tx,
        draft,
        &drafts::Expected { provider: "franceconnect", state_hash: &state_hash, nonce: &nonce, verifier: None },
    )?;
    let waiting = drafts::take_waiting(tx, mediator.session(), "franceconnect", &state_hash)?;
    let (identity, now) = (people::identity(citizen), at + TimeDelta::minutes(1));
    let known = citizens::recognise(tx, ISSUER, &people::subject(citizen), &identity, now)?;
    let person = Person { id: known.id, identity, assurance: Assurance::Low };
    let identified =
        waiting.draft.identified(mediator, person, now.date_naive(), now).expect("a citizen is identified");
    let draft = drafts::save(tx, identified)?;
    drafts::offer_agreement(tx, &draft.id, &world.random.bytes::<32>())?;
    let (organisation, now) = (&mediator.organisation().name, at + TimeDelta::minutes(3));
    let text = draft.text(organisation, Language::Fr).expect("a text");
    let answer = Answer {
        agrees: true,
        declares_no_protection: true,
        language: Language::Fr,
        shown: Digest::of(text.as_bytes()).to_string(),
    };
    let id = AgreementId::new(now, world.random.u128());
    drafts::save(tx, draft.answered(&answer, organisation, id, now).expect("an agreement"))
}

/// The citizen's page is read; the mandate is used if it works; its outcome is said.
pub(crate) fn visit(world: &mut World, tx: &mut Tx<'_>, citizen: usize, at: Instant) -> Result<(), Error> {
    let mediator = world.mediator_for(citizen);
    let Some(mandate) = world.held.get(&citizen) else { return Ok(()) };
    read(tx, &mediator, &mandate.citizen, at)?;
    let live: Vec<_> = mandate.live(at).map(|one| one.procedure).collect();
    let used = match live.first() {
        Some(_) => issued(world, tx, &mediator, mandate, live[0], at).map(Some)?,
        None => None,
    };
    world.entries += 1;
    let Some(used) = used else { return Ok(()) };
    world.entries += 1;
    if world.chance.percent(85) {
        let later = at + TimeDelta::minutes(20);
        let outcome = used.record(&mediator, Outcome::Done, later).expect("an outcome");
        uses::save_outcome(tx, outcome, later)?;
        world.entries += 1;
    }
    Ok(())
}

fn read(tx: &mut Tx<'_>, mediator: &Mediator, citizen: &CitizenId, at: Instant) -> Result<(), Error> {
    let event = Event::new(Kind::CitizenRead, at).by(&mediator.account().id).within(&mediator.organisation().id);
    journal::record(tx, &event.about(citizen)).map(drop)
}

/// From the request of the public service to the identity it receives.
fn issued(
    world: &World,
    tx: &mut Tx<'_>,
    mediator: &Mediator,
    mandate: &Mandate,
    procedure: Procedure,
    at: Instant,
) -> Result<Use, Error> {
    let flow = Flow {
        id: FlowId::new(at, world.random.u128()),
        client: CLIENT.to_owned(),
        browser: world.random.bytes(),
        redirect_uri: REDIRECT.to_owned(),
        state: Some(world.random.token()),
        nonce: Some(world.random.token()),
        scope: "openid profile birth email".to_owned(),
        procedures: None,
        code_since: None,
        challenge: None,
        citizen: None,
        dpop_key: None,
        acr: "eidas1".to_owned(),
        account: None,
        session: None,
        created_at: at,
        used: false,
    };
    flows::start(tx, &flow, None)?;
    let pass = mandate.exercise(mediator, procedure, None, at).expect("a live authorisation");
    let flow = flow.taken_by(mediator).expect("a new flow");
    flows::spend(tx, &flow, at)?;
    let (code, token) = (world.random.bytes::<32>(), world.random.bytes::<32>());
    let new = grants::New {
        flow: &flow,
        repeats: None,
        session: mediator.session(),
        auth_time: at,
        authentication: Authentication::Code,
        code_hash: &code,
    };
    grants::issue(tx, &pass, &new, at)?;
    grants::redeem(tx, &code, &grants::Token { hash: &token, proof: None, secret: None }, at)?;
    grants::spend_token(tx, &token, at)?;
    uses::issue(tx, Use::issue(UseId::new(at, world.random.u128()), &pass, CLIENT, at))
}

/// The mandate is stopped.
pub(crate) fn revoke(world: &mut World, tx: &mut Tx<'_>, citizen: usize, at: Instant) -> Result<(), Error> {
    let mediator = world.mediator_for(citizen);
    let Some(mandate) = world.held.get(&citizen).cloned() else { return Ok(()) };
    let live = mandate.live(at).count();
    let Ok(revoked) = mandate.revoke(&mediator, Extent::Whole, Reason::CitizenAsked, at) else { return Ok(()) };
    let mandate = mandates::save(tx, revoked)?;
    world.held.insert(citizen, mandate);
    world.entries += live;
    Ok(())
}
