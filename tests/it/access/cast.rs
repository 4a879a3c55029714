//! Everybody who may stand before a route, and the objects of two organisations.

use std::collections::BTreeMap;

use mandataire::demo::browser::Browser;
use mandataire::domain::id::{
    CitizenId, DraftId, EntryId, ErasureId, FlowId, HoldId, InquiryId, MandateId, OrganisationId, SignalId, UseId,
};
use mandataire::domain::mediator::Membership;
use mandataire::domain::procedure::Procedure::{Justice, Logement};
use mandataire::domain::term::Term::Month;

use crate::world::World;
use crate::world::actor::Actor;
use crate::world::service::{Service, browser};

/// Objects that fill the placeholders of routes, by the name of the placeholder.
pub(crate) struct Things(BTreeMap<&'static str, String>);

/// Everybody.
pub(crate) struct Cast {
    pub(crate) anonymous: Browser,
    pub(crate) enrolling: Actor,
    pub(crate) terms_pending: Actor,
    pub(crate) mediator: Actor,
    pub(crate) stranger: Actor,
    pub(crate) manager: Actor,
    pub(crate) silent_auditor: Actor,
    pub(crate) auditor: Actor,
    pub(crate) officer: Actor,
    /// A mediator whose organisation is suspended.
    pub(crate) suspended: Actor,
    /// A mediator whose certification has ended.
    pub(crate) uncertified: Actor,
    /// A mediator whose account is deactivated.
    pub(crate) deactivated: Actor,
    /// A mediator who did nothing for twenty minutes.
    pub(crate) idle: Actor,
    /// What the mediator made for the usual organisation.
    pub(crate) ours: Things,
    /// What the stranger made for another one.
    pub(crate) theirs: Things,
    /// Identifiers of nothing.
    pub(crate) nothing: Things,
}

impl Things {
    /// One of them.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).unwrap_or_else(|| panic!("nothing fills {{{name}}}"))
    }

    /// The path of a route for these objects.
    pub(crate) fn fill(&self, route: &str) -> String {
        self.0.iter().fold(route.to_owned(), |path, (name, id)| path.replace(&format!("{{{name}}}"), id))
    }

    /// A text with the placeholders in the place of these objects.
    pub(crate) fn forget(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (name, id)| text.replace(id.as_str(), &format!("{{{name}}}")))
    }

    /// What a valid form of a route holds besides its token. Most hold nothing: the answer is then about what is missing,
    /// and changes nothing.
    pub(crate) fn fields(&self, route: &str) -> Vec<(&'static str, String)> {
        let pairs: &[(&'static str, &str)] = match route {
            "/organisation" => &[("organisation", self.get("organisation"))],
            "/uses/{use}/outcome" => &[("outcome", "done")],
            "/agreements/{token}" => &[("decision", "agree"), ("language", "fr")],
            "/provider/{flow}/citizens/{citizen}" => &[("procedure", "logement")],
            _ => &[],
        };
        pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
    }

    async fn of(world: &World, actor: &Actor, organisation: &OrganisationId, service: &Service, citizen: &str) -> Self {
        let last = |page: &mandataire::demo::browser::Page| {
            page.url.path().rsplit('/').next().map(str::to_owned).expect("a path ends somewhere")
        };
        let opened = actor.opens_a_mandate_for(citizen, &[Logement, Justice], Month).await;
        actor.uses(service, &opened.citizen, Logement).await;
        let newest = |table: &str| world.database.texts(&format!("select max(id) as value from {table}")).remove(0);
        let (used, entry) = (newest("uses"), newest("journal_entries"));
        let last_look = actor.reaches_the_recap("bernard", &[Logement], Month).await;
        let people = actor.starts_an_opening(&[Logement], Month).await;
        let agreement = actor.citizen_identifies(&people, "camille").await;
        let flow = actor.comes_from(&service.request()).await;
        let spare = actor.comes_from(&service.request()).await;
        Self(BTreeMap::from([
            ("organisation", organisation.to_string()),
            ("citizen", opened.citizen.to_string()),
            ("mandate", opened.mandate.to_string()),
            ("signal", signal(world, organisation)),
            ("inquiry", inquiry(world, &opened.citizen)),
            ("use", used),
            ("entry", entry),
            ("draft", last(&last_look)),
            ("token", last(&agreement)),
            ("flow", last(&flow)),
            ("spare_flow", last(&spare)),
            ("erasure", world.a_request_waits(&opened.citizen, &actor.account)),
            ("hold", world.a_hold_is_set(&actor.account)),
        ]))
    }

    fn nothing(world: &World) -> Self {
        let (now, random) = (world.now(), || world.random.u128());
        Self(BTreeMap::from([
            ("organisation", OrganisationId::new(now, random()).to_string()),
            ("citizen", CitizenId::new(now, random()).to_string()),
            ("mandate", MandateId::new(now, random()).to_string()),
            ("signal", SignalId::new(now, random()).to_string()),
            ("inquiry", InquiryId::new(now, random()).to_string()),
            ("use", UseId::new(now, random()).to_string()),
            ("entry", EntryId::new(now, random()).to_string()),
            ("draft", DraftId::new(now, random()).to_string()),
            ("token", world.random.token()),
            ("flow", FlowId::new(now, random()).to_string()),
            ("spare_flow", FlowId::new(now, random()).to_string()),
            ("erasure", ErasureId::new(now, random()).to_string()),
            ("hold", HoldId::new(now, random()).to_string()),
        ]))
    }
}

/// A signal to an organisation whose time to answer is over.
fn signal(world: &World, organisation: &OrganisationId) -> String {
    let id = SignalId::new(world.now(), world.random.u128()).to_string();
    let at = (world.now() - chrono::TimeDelta::days(20)).format("'%Y-%m-%d %H:%M:%S'").to_string();
    let sql = format!(
        "insert into signals (id, rule, organisation, subject, day, times, first_at, last_at, raised_at, answer_until) \
         values ('{id}', 'many_uses', '{organisation}', 'acc_1', 20000, 30, {at}, {at}, {at}, {at})"
    );
    world.database.execute(&sql).unwrap();
    id
}

/// An inquiry that an auditor of another story asked.
fn inquiry(world: &World, citizen: &CitizenId) -> String {
    let (id, entry) =
        (InquiryId::new(world.now(), world.random.u128()), EntryId::new(world.now(), world.random.u128()));
    let by = mandataire::domain::id::AccountId::new(world.now(), world.random.u128());
    let at = world.now().format("'%Y-%m-%d %H:%M:%S'");
    let sql = format!(
        "insert into inquiries (id, citizen, asked_by, asked_at, ground, entry) \
         values ('{id}', '{citizen}', '{by}', {at}, 'complaint', '{entry}')"
    );
    world.database.execute(&sql).unwrap();
    id.to_string()
}

impl Cast {
    /// Brings everybody in.
    pub(crate) async fn of(world: &World) -> Self {
        let other = world.another_organisation().await;
        let role = |organisation: &OrganisationId| Membership {
            organisation: organisation.clone(),
            mediator: true,
            manager: false,
            certified_until: None,
        };
        let enrolling = world.invited("Nova Nouvelle", &[role(&world.organisation)], false).await;
        let page = enrolling.opens_a_new_link().await;
        enrolling.sends(&page.form("/sign-in/link").unwrap()).await;
        let terms_pending = world.mediator_of(&world.organisation, "Theo Termes").await;
        let forget = format!("update accounts set terms = null where id = '{}'", terms_pending.account);
        world.database.execute(&forget).unwrap();
        terms_pending.signs_in().await;
        let silent_auditor = world.auditor("Sila Silence").await;
        let auditor = world.auditor("Aude Raison").await;
        let form = auditor.sees("/journal/purpose").await.form("/journal/purpose").unwrap();
        auditor.sends(&form.with("purpose", "Contrôle annuel de la structure")).await;
        let officer = world.officer("Olga Prudhomme").await;
        let manager = world.manager("Mia Roux").await;
        let (mediator, stranger) = (world.mediator("Ana Silva").await, world.mediator_of(&other, "Bo Martin").await);
        stranger.signs_in().await;
        let service = world.franceconnect_client().await;
        let ours = Things::of(world, &mediator, &world.organisation, &service, "josephine").await;
        let theirs = Things::of(world, &stranger, &other, &service, "leila").await;
        let (anonymous, nothing) = (browser(), Things::nothing(world));
        let [suspended, uncertified, deactivated, idle] = Self::lapsed(world).await;
        Self {
            anonymous,
            enrolling,
            terms_pending,
            mediator,
            stranger,
            manager,
            silent_auditor,
            auditor,
            officer,
            suspended,
            uncertified,
            deactivated,
            idle,
            ours,
            theirs,
            nothing,
        }
    }

    /// Mediators who signed in while all was well, and who have since lost what they need.
    async fn lapsed(world: &World) -> [Actor; 4] {
        let third = world.third_organisation().await;
        let suspended = world.mediator_of(&third, "Sacha Suspendu").await;
        let ours = |name: &'static str| world.mediator_of(&world.organisation, name);
        let all = [suspended, ours("Ugo Certifie").await, ours("Dea Partie").await, ours("Ida Absente").await];
        for actor in &all {
            actor.signs_in().await;
        }
        let [_, uncertified, deactivated, idle] = &all;
        let before = (world.now() - chrono::TimeDelta::minutes(20)).format("%Y-%m-%d %H:%M:%S");
        for sql in [
            format!("update organisations set suspended_at = '{before}' where id = '{third}'"),
            format!("update memberships set certified_until = '{before}' where account = '{}'", uncertified.account),
            format!("update accounts set active = false where id = '{}'", deactivated.account),
            format!("update sessions set seen_at = '{before}' where account = '{}'", idle.account),
        ] {
            world.database.execute(&sql).unwrap();
        }
        all
    }

    /// Everybody, by the name in the matrix, with what is theirs and what is another organisation's.
    pub(crate) fn everybody(&self) -> [(&'static str, &Browser, &Things, &Things); 13] {
        let (ours, theirs) = (&self.ours, &self.theirs);
        [
            ("anonymous", &self.anonymous, ours, theirs),
            ("enrolling", &self.enrolling.browser, ours, theirs),
            ("terms pending", &self.terms_pending.browser, ours, theirs),
            ("mediator", &self.mediator.browser, ours, theirs),
            ("other mediator", &self.stranger.browser, theirs, ours),
            ("manager", &self.manager.browser, ours, theirs),
            ("auditor, silent", &self.silent_auditor.browser, ours, theirs),
            ("auditor", &self.auditor.browser, ours, theirs),
            ("officer", &self.officer.browser, ours, theirs),
            ("suspended", &self.suspended.browser, ours, theirs),
            ("uncertified", &self.uncertified.browser, ours, theirs),
            ("deactivated", &self.deactivated.browser, ours, theirs),
            ("idle", &self.idle.browser, ours, theirs),
        ]
    }
}
