//! Officers, the retention, and what they do in the long story.

use chrono::{Months, TimeDelta};
use mandataire::app::retention::{Line, Periods, Run};
use mandataire::config;
use mandataire::demo::browser::Page;
use mandataire::domain::authenticator::FreshCode;
use mandataire::domain::erasure::{Ground, Hold, HoldGround, Request, Standing};
use mandataire::domain::event::Owner;
use mandataire::domain::id::{AccountId, CitizenId, ErasureId, HoldId, MandateId, SessionId};
use mandataire::domain::officer::Officer;
use mandataire::domain::retention::{Keeping, Kept, Stage, Subject, Verdict};
use mandataire::store::{Error, accounts, backup, erasures, holds, retention};

use super::World;
use super::actor::Actor;

const FREE: Standing = Standing { destroyed: false, held: false };

impl World {
    /// An officer, signed in.
    pub(crate) async fn officer(&self, name: &str) -> Actor {
        let actor = self.enrolled(name, &[], false).await;
        self.database.execute(&format!("update accounts set officer = true where id = '{}'", actor.account)).unwrap();
        actor.signs_in().await;
        actor
    }

    /// Runs the retention with the periods of the defaults; what each line says that says anything.
    pub(crate) async fn retention(&self, dry: bool) -> Vec<Line> {
        let periods = Periods::from(&config::Retention::default());
        let run = Run::new(self.app.store.clone(), self.clock.clone(), &self.random, periods, dry);
        let lines = run.report().await.expect("it runs").expect("nobody else runs");
        let idle = |line: &Line| line.archived + line.destroyed + line.purged + line.held + line.busy == 0;
        lines.into_iter().filter(|line| !idle(line)).collect()
    }

    /// A request of this account about a citizen, written beside the pages.
    pub(crate) fn a_request_waits(&self, citizen: &CitizenId, by: &AccountId) -> String {
        let (id, at) = (ErasureId::new(self.now(), self.random.u128()), self.now().format("%Y-%m-%d %H:%M:%S"));
        let session = SessionId::new(self.now(), self.random.u128());
        let row = format!("'{id}', '{citizen}', 'person_asked', '{by}', '{session}', '{at}'");
        let columns = "id, citizen, ground, asked_by, asked_in, asked_at";
        self.database.execute(&format!("insert into erasure_requests ({columns}) values ({row})")).unwrap();
        id.to_string()
    }

    /// A hold on an account, written beside the pages.
    pub(crate) fn a_hold_is_set(&self, on: &AccountId) -> String {
        let (id, at) = (HoldId::new(self.now(), self.random.u128()), self.now().format("%Y-%m-%d %H:%M:%S"));
        let row = format!("'{id}', '{on}', 'inquiry', '{on}', '{at}'");
        self.database
            .execute(&format!("insert into holds (id, person, ground, set_by, set_at) values ({row})"))
            .unwrap();
        id.to_string()
    }

    fn kept(&self, subject: Subject, stage: Stage, years: u32) -> Kept {
        let last = self.now().checked_sub_months(Months::new(12 * years)).unwrap();
        Kept { subject, stage, last, held: false, busy: false }
    }

    /// What the periods and the officers do, in the long story.
    pub(super) async fn nothing_lasts(&self) {
        let one = |sql: &str| self.database.texts(sql)[0].clone();
        let mandate: MandateId = one("select id as value from mandates order by id limit 1").parse().unwrap();
        let citizen: CitizenId =
            one(&format!("select citizen as value from mandates where id = '{mandate}'")).parse().unwrap();
        let gone = self.mediator_of(&self.organisation, "Paul Ancien").await.account;
        let subject =
            Subject::Mandate { id: mandate, organisation: self.organisation.clone(), citizen: citizen.clone() };
        let person = Subject::Person(Owner::Account(gone));
        let steps = [
            self.kept(subject.clone(), Stage::InUse, 4),
            self.kept(subject, Stage::Archived, 7),
            self.kept(person.clone(), Stage::InUse, 4),
            self.kept(person, Stage::Archived, 7),
        ];
        let [first, second] = [self.decides("Olga Prudhomme", 1).await, self.decides("Omar Sage", 2).await];
        let (now, random) = (self.now(), self.random.clone());
        let done = self.app.store.write(move |tx| {
            let three = Keeping { in_use: Months::new(36), archive: Months::new(36) };
            for step in steps {
                let Verdict::Goes(change) = step.verdict(three, now) else { panic!("it goes") };
                retention::save(tx, change, now)?;
            }
            let ask = |at| {
                let id = ErasureId::new(now, random.u128());
                Request::ask(id, citizen.clone(), FREE, Ground::PersonAsked, &first, FreshCode::remembered(at)).unwrap()
            };
            let declined = erasures::ask(tx, ask(now))?.decline(&second, now).unwrap();
            erasures::save(tx, declined)?;
            erasures::ask(tx, ask(now - TimeDelta::days(31)))?;
            assert_eq!(erasures::expire(tx, None, now)?, 1);
            let hold = HoldId::new(now, random.u128());
            let hold =
                Hold::set(hold, Owner::Citizen(citizen.clone()), FREE, HoldGround::Inquiry, &first, now).unwrap();
            let hold = holds::set(tx, hold)?;
            holds::save(tx, hold.lift(&second, now))?;
            let approved = erasures::ask(tx, ask(now))?.approve(FREE, &second, FreshCode::remembered(now)).unwrap();
            erasures::carry_out(tx, approved, &second, now)?;
            backup::made(tx, true, now)?;
            backup::restored(tx, now, 0, now)
        });
        done.await.unwrap();
        self.retention(false).await;
    }

    async fn decides(&self, name: &str, number: u128) -> Officer {
        let (id, now) = (self.enrolled(name, &[], false).await.account, self.now());
        let account = self.app.store.read(move |db| accounts::find(db, &id)).await.unwrap();
        let account = mandataire::domain::mediator::Account { officer: true, ..account };
        let made = self.app.store.write(move |tx| accounts::create(tx, account, None, now)).await;
        let made: Result<_, Error> = made;
        Officer::new(made.unwrap(), SessionId::new(now, number)).unwrap()
    }
}

impl Actor {
    /// Asks to erase somebody: the page that answers.
    pub(crate) async fn asks_to_erase(&self, citizen: &str, ground: &str) -> Page {
        let page = self.sees("/office/erasures/new").await;
        let form = self.wakes_up(page).await.form("/office/erasures").expect("a form to ask");
        let code = self.fresh_code().await;
        self.sends(&form.with("citizen", citizen).with("ground", ground).with("code", &code)).await
    }

    /// Approves a request: the answer itself.
    pub(crate) async fn approves(&self, request: &str) -> Page {
        let path = format!("/office/erasures/{request}");
        let page = self.sees(&path).await;
        let form = self.wakes_up(page).await.form(&format!("{path}/approval")).expect("a form to approve");
        let code = self.fresh_code().await;
        self.browser.submit(&form.with("code", &code)).await.unwrap()
    }
}
