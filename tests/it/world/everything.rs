//! One long story in which everything happens that the journal has a word for.

use chrono::TimeDelta;
use mandataire::app::letter;
use mandataire::credential;
use mandataire::demo::browser::{Form, Page};
use mandataire::domain::civil;
use mandataire::domain::client::{Client, SigningAlgorithm};
use mandataire::domain::event::{Event, Kind};
use mandataire::domain::id::CitizenId;
use mandataire::domain::mediator::Membership;
use mandataire::domain::procedure::Procedure::{Argent, Justice, Logement};
use mandataire::domain::signal::Thresholds;
use mandataire::domain::signing_key::{Ages, Wish};
use mandataire::domain::term::Term::{Day, Month, Present};
use mandataire::journal::leaf::sha256;
use mandataire::journal::line::hex;
use mandataire::oidc::keys as signing;
use mandataire::store::{Error, accounts, audit, authenticators, clients, keys, log, organisations, vouched};

use super::World;
use super::actor::Actor;
use crate::sequencing::{Disk, all_signed, node};

/// What the auditor of the story types; it speaks of a person.
pub(crate) const PURPOSE: &str = "Réclamation de Joséphine LEMOINE du 12 novembre";
/// Everything about people that the story holds and nobody may find in the open.
pub(crate) const PEOPLE: [&str; 16] = [
    "Joséphine",
    "LEMOINE",
    "DUBOIS",
    "1956-03-14",
    "josephine@usagers",
    "CONNOR",
    "bernard@usagers",
    "Ana Silva",
    "ana.silva",
    "Bruno Hoarau",
    "bruno.hoarau",
    "nadia.belkacem",
    "Denis Roux",
    "Réclamation",
    "612345678",
    "698123456",
];

impl World {
    /// Everything. Whoever acts is signed out at the end, except the auditor, who is answered.
    pub(crate) async fn everything_happens(&self) -> Actor {
        self.somebody_new_arrives().await;
        let ana = self.mediator("Ana Silva").await;
        self.codes_go_wrong(&ana).await;
        self.mandates_come_and_go(&ana).await;
        self.mandates_are_used(&ana).await;
        self.the_operator_acts(&ana).await;
        self.nothing_lasts().await;
        let auditor = self.auditor("Denis Roux").await;
        declares_a_purpose(&auditor).await;
        self.the_auditors_work(&auditor).await;
        auditor
    }

    /// An identity is asked for, refused, allowed and read; a list is taken away; a signal is answered, and a finding signed.
    async fn the_auditors_work(&self, denis: &Actor) {
        let ines = self.auditor("Ines Morel").await;
        declares_a_purpose(&ines).await;
        let citizen = self
            .database
            .texts("select min(id) as value from citizens where destroyed_at is null and archived_at is null")
            .remove(0);
        for decision in ["decline", "approve"] {
            self.after(1);
            let page = denis.asks_who(&citizen).await;
            let page = ines.decides(page.url.path(), decision).await;
            assert_eq!(page.status, 200, "{}", page.text());
            let own = denis.sees(page.url.path()).await;
            if let Some(form) = own.form(&format!("{}/reading", own.url.path())) {
                assert_eq!(denis.sends(&form).await.status, 200);
            }
        }
        let form = denis.sees("/journal?kind=use").await.form("/journal/export").unwrap();
        assert_eq!(denis.sends(&form.with("format", "csv")).await.status, 200);
        let mia = self.manager("Mia Roux").await;
        assert!(self.signals_of_the_day(0).await > 0, "the day of the story is a Sunday");
        let signal = mia.sees("/signals").await.link("/signals/sig_").expect("a signal");
        let form = mia.sees(signal.path()).await.form(&format!("{}/answer", signal.path())).unwrap();
        let page = mia.sends(&form.with("answer", "Denis Roux nous a demandé d’ouvrir ce dimanche.")).await;
        assert!(page.form("/signals/").is_none(), "answered once");
        mia.signs_out().await;
        let path = format!("/journal/findings?about={}", signal.path().trim_start_matches("/signals/"));
        let code = denis.fresh_code().await;
        let form = denis.sees(&path).await.form("/journal/findings").unwrap().with("code", &code);
        let page = denis.sends(&form.with("text", "Réclamation de Joséphine LEMOINE : rien à redire.")).await;
        assert_eq!(page.status, 200, "{}", page.text());
        ines.signs_out().await;
        all_signed(&mut node(self, &Disk::new(self))).await;
        let last = self.app.store.read(log::latest).await.unwrap().expect("a checkpoint");
        self.timestamped(last.size).await;
    }

    /// An authority timestamped a checkpoint.
    pub(crate) async fn timestamped(&self, size: u64) {
        let reply = format!("the reply of an authority to {size}").into_bytes();
        let digest = hex(&sha256(&[&reply]));
        let event = Event::new(Kind::JournalTimestamped, self.now()).fact("size", size.to_string());
        let event = event.fact("reply", digest);
        self.app.store.write(move |tx| vouched::keep_timestamp(tx, size, &reply, &event)).await.unwrap();
    }

    /// Looks for what asks for an explanation on the day so many days ago.
    pub(crate) async fn signals_of_the_day(&self, days_ago: i32) -> usize {
        let (store, now) = (&self.app.store, self.now());
        audit::catch_up(store, now).await.unwrap();
        let day = civil::day(now, civil::FIGURES) - days_ago;
        audit::look_at_a_day(store, day, Thresholds::default(), letter(&self.base, "Mandataire"), now).await.unwrap()
    }

    /// An account is created, enrolled, and entered with a recovery code.
    async fn somebody_new_arrives(&self) {
        let elsewhere = self.another_organisation().await;
        let role = |organisation| Membership { organisation, mediator: true, manager: false, certified_until: None };
        let nadia =
            self.invited("Nadia Belkacem", &[role(self.organisation.clone()), role(elsewhere.clone())], false).await;
        let page = nadia.opens_a_new_link().await;
        let page = nadia.sends(&page.form("/sign-in/link").unwrap()).await;
        let account = nadia.account.clone();
        let pending = self.app.store.read(move |db| authenticators::pending(db, &account)).await.unwrap();
        let code = credential::code_at(&pending.unwrap().1, self.now());
        let codes = nadia.sends(&page.form("/enrolment").unwrap().with("code", &code)).await;
        let recovery =
            codes.body.split("<li><code translate=\"no\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
        let page = nadia.sees("/terms").await;
        nadia.sends(&page.form("/terms").unwrap().with("accept", "yes")).await;
        let page = nadia.sees("/home").await;
        nadia.sends(&page.form("/organisation").unwrap().with("organisation", elsewhere.as_str())).await;
        nadia.signs_out().await;
        self.after(1);
        let page = nadia.opens_a_new_link().await;
        nadia.sends(&page.form("/sign-in/link").unwrap().with("code", &recovery)).await;
        nadia.signs_out().await;
    }

    /// A device is lost, and withdrawn.
    async fn withdraws_a_device(&self) {
        let now = self.now();
        let lost = self.mediator_of(&self.organisation, "Zoe Perdue").await.account;
        let done = self.app.store.write(move |tx| {
            let (device, _) = authenticators::confirmed_locked(tx, &lost)?.expect("enrolled");
            authenticators::remove(tx, device.withdraw(now))
        });
        done.await.unwrap();
    }

    /// Codes are refused and accepted; a device is locked, and released.
    async fn codes_go_wrong(&self, ana: &Actor) {
        let form = ana.sees("/code").await.form("/code").unwrap();
        ana.sends(&form.clone().with("code", "000000")).await;
        let code = ana.fresh_code().await;
        ana.sends(&form.with("code", &code)).await;
        let bruno = self.mediator_of(&self.organisation, "Bruno Hoarau").await;
        let form = bruno.opens_a_new_link().await.form("/sign-in/link").unwrap();
        for _ in 0..10 {
            bruno.sends(&form.clone().with("code", "000000")).await;
        }
        let (account, now) = (bruno.account.clone(), self.now());
        let released = self.app.store.write(move |tx| {
            let (device, _) = authenticators::confirmed_locked(tx, &account)?.ok_or(Error::NotFound)?;
            authenticators::save(tx, device.release(now)).map(drop)
        });
        released.await.unwrap();
        self.withdraws_a_device().await;
    }

    /// Openings that succeed, fail, are refused and given up; replacements, revocations, the end of a presence.
    async fn mandates_come_and_go(&self, ana: &Actor) {
        let list = ana.starts_an_opening(&[Justice], Month).await;
        let page = ana.citizen_identifies(&list, "bernard").await;
        ana.citizen_answers(&page, "refuse", true).await;
        let claire = self.mediator("Claire Petit").await;
        let list = claire.starts_an_opening(&[Justice], Month).await;
        claire.citizen_identifies(&list, "lucie").await;
        let recap = ana.reaches_the_recap("bernard", &[Argent], Day).await;
        ana.sends(&ana.fills_in(&recap).await.without("in_front")).await;
        let cancels = |form: &Form| form.action().path().ends_with("/cancellation");
        ana.sends(&recap.forms().into_iter().find(cancels).unwrap()).await;
        let bernard = ana.opens_a_mandate_for("bernard", &[Argent], Month).await;
        let form = ana.sees(&format!("/mandates/{}/revocation", bernard.mandate)).await;
        let form = ana.wakes_up(form).await.form("/mandates/").unwrap().with("reason", "citizen_asked");
        ana.sends(&form).await;
        ana.sends(&form).await;
        ana.notes_the_phone(&bernard.citizen, "06 12 34 56 78").await;
        ana.notes_the_phone(&bernard.citizen, "").await;
        ana.notes_the_phone(&bernard.citizen, "06 98 12 34 56").await;
        // FranceConnect sends another identity under a subject that is known.
        let josephine = ana.opens_a_mandate_for("josephine", &[Logement, Justice], Month).await;
        let (one, other) = (&bernard.citizen, &josephine.citizen);
        let index = |table: &str| format!("update citizens set issuer = issuer || '{table}' where id = '{other}'");
        self.database.execute(&index("-before")).unwrap();
        let copied = format!(
            "update citizens set sub_index = (select sub_index from citizens where id = '{other}') where id = '{one}'"
        );
        let kept = self
            .database
            .texts(&format!("select {} as value from citizens where id = '{one}'", self.hex("sub_index")))[0]
            .clone();
        self.database.execute(&copied).unwrap();
        let list = ana.starts_an_opening(&[Justice], Month).await;
        ana.citizen_identifies(&list, "josephine").await;
        let bytes = self.bytes(&kept);
        self.database.execute(&format!("update citizens set sub_index = {bytes} where id = '{one}'")).unwrap();
        let back = format!(
            "update citizens set issuer = (select issuer from citizens where id = '{one}') where id = '{other}'"
        );
        self.database.execute(&back).unwrap();
        ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        ana.opens_a_mandate_for("bernard", &[Logement], Present).await;
        ana.signs_out().await;
        ana.signs_in().await;
    }

    /// A use with its outcome, one that is refused, and a code presented twice.
    async fn mandates_are_used(&self, ana: &Actor) {
        let service = self.franceconnect_client().await;
        let page = ana.comes_from(&service.request()).await;
        let citizen = page.link(&format!("{}/citizens/", page.url.path())).unwrap();
        let form = ana.sees(citizen.path()).await.form(citizen.path()).unwrap();
        ana.sends(&form.clone().with("procedure", "argent")).await;
        let back = ana.browser.submit(&form.with("procedure", "logement")).await.unwrap();
        let code = super::service::answered(&back, "code").unwrap();
        let token = service.takes_a_token(&code).await;
        assert_eq!(service.asks_identity(&token).await.status, 200);
        service.exchanges(&code).await;
        service.exchanges("never given").await;
        let citizen = citizen.path().rsplit('/').next().unwrap().parse().unwrap();
        let code = ana.gets_a_code(&service, &citizen, Logement).await;
        let token = service.takes_a_token(&code).await;
        let fields = [("token", token.as_str()), ("client_id", &service.client.id), ("client_secret", &service.secret)];
        assert_eq!(service.posts("/revocation", &fields, &[]).await.status, 200);
        self.a_use_is_repeated(ana, &citizen).await;
        let home = ana.sees("/home").await;
        let outcome = home.form("/uses/").unwrap();
        ana.sends(&outcome.clone().with("outcome", "done")).await;
        assert_eq!(ana.sends(&outcome.with("outcome", "not_done")).await.status, 409, "said once");
    }

    /// A service asks again without a page.
    async fn a_use_is_repeated(&self, ana: &Actor, citizen: &CitizenId) {
        let client = self.plain_service().await.client;
        let id = format!("{}_silent", client.id);
        let service = self.registered(Client { id, silent: true, ..client }).await;
        ana.gets_a_code(&service, citizen, Logement).await;
        let back = ana.browser.get(service.request_with(&[("prompt", "none")])).await.unwrap();
        assert!(super::service::answered(&back, "code").is_some(), "{:?}", back.location());
    }

    /// What the operator does at the command line.
    async fn the_operator_acts(&self, ana: &Actor) {
        let (now, account) = (self.now(), ana.account.clone());
        let organisation = self.organisation.clone();
        let service = self.plain_service().await;
        let client = service.client.clone();
        let key = signing::generate(SigningAlgorithm::Es256).unwrap();
        let at_once = Ages { cached: TimeDelta::zero(), lag: TimeDelta::zero(), ..Ages::usual(90) };
        let acted = self.app.store.write(move |tx| {
            let found = organisations::find(tx, &organisation)?;
            let found = organisations::save(tx, found.suspend(None, now))?;
            organisations::save(tx, found.resume(None, now))?;
            let found = accounts::find(tx, &account)?;
            let found = accounts::save(tx, found.deactivate(now))?;
            accounts::save(tx, found.reactivate(now))?;
            clients::change(tx, client.clone().changed(&["silent"], now))?;
            clients::rotate(tx, client.secret_rotated(now), "another-secret-of-forty-three-characters-long", None)?;
            keys::grant(tx, &key, Wish::Asked, &at_once, now)?;
            keys::advance(tx, &at_once, now)
        });
        acted.await.unwrap();
    }

    /// The expression that turns a column of bytes into hexadecimal digits.
    pub(crate) fn hex(&self, column: &str) -> String {
        match self.database.backend {
            super::Backend::Sqlite => format!("lower(hex({column}))"),
            super::Backend::Postgres => format!("encode({column}, 'hex')"),
        }
    }

    /// Bytes as a literal.
    fn bytes(&self, hex: &str) -> String {
        match self.database.backend {
            super::Backend::Sqlite => format!("x'{hex}'"),
            super::Backend::Postgres => format!("'\\x{hex}'"),
        }
    }
}

/// The auditor says why they read.
pub(crate) async fn declares_a_purpose(auditor: &Actor) -> Page {
    let form = auditor.sees("/journal").await.form("/journal/purpose").expect("a purpose is asked for");
    auditor.sends(&form.with("purpose", PURPOSE)).await
}
