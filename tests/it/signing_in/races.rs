//! Everything that works once, sent many times at the same moment.

use actix_web::rt::spawn;
use mandataire::demo::browser::{Browser, Form};
use mandataire::domain::event::Kind;
use mandataire::domain::mediator::Membership;

use crate::on_each_backend;

/// Submissions at once.
const MANY: usize = 24;

/// Sends every form at the same moment, each from a tab of its own that has the same cookies: the statuses, with where a
/// redirect leads.
async fn at_once(browser: &Browser, forms: Vec<Form>) -> Vec<(u16, Option<String>)> {
    let sent: Vec<_> = forms
        .into_iter()
        .map(|form| {
            let tab = browser.copy();
            spawn(async move { tab.submit(&form).await.unwrap() })
        })
        .collect();
    let mut answers = Vec::new();
    for one in sent {
        let page = one.await.unwrap();
        answers.push((page.status, page.location().map(|url| url.path().to_owned())));
    }
    answers
}

fn how_many(answers: &[(u16, Option<String>)], path: &str) -> usize {
    answers.iter().filter(|(_, target)| target.as_deref() == Some(path)).count()
}

on_each_backend! {
    async fn f09_one_link_and_one_code_sent_many_times_at_once_open_one_session(world) {
        let ana = world.mediator_of(&world.organisation, "Ana Silva").await;
        let page = ana.opens_a_new_link().await;
        let form = page.form("/sign-in/link").unwrap().with("code", &ana.code().await);
        let answers = at_once(&ana.browser, vec![form; MANY]).await;
        assert_eq!(how_many(&answers, "/home"), 1, "{answers:?}");
        assert_eq!(answers.iter().filter(|(status, _)| *status == 422).count(), MANY - 1, "{answers:?}");
        assert_eq!(world.count(Kind::SignedIn).await, 1);
        assert_eq!(world.rows("sessions", "1 = 1"), 1);
    }

    /// Two codes are right at a time: the link still opens once, and the journal says so.
    async fn f01_one_link_with_two_right_codes_at_once_opens_one_session(world) {
        let ana = world.mediator_of(&world.organisation, "Ana Silva").await;
        let page = ana.opens_a_new_link().await;
        let form = page.form("/sign-in/link").unwrap();
        let (now, next) = (ana.code().await, ana.code_in(30).await);
        let forms = (0..MANY).map(|at| form.clone().with("code", if at % 2 == 0 { &now } else { &next }));
        let answers = at_once(&ana.browser, forms.collect()).await;
        assert_eq!(how_many(&answers, "/home"), 1, "{answers:?}");
        assert_eq!(world.count(Kind::SignedIn).await, 1);
        assert_eq!(world.rows("sessions", "1 = 1"), 1);
    }

    async fn a_first_link_sent_many_times_at_once_opens_one_session(world) {
        let organisation = world.organisation.clone();
        let role = Membership { organisation, mediator: true, manager: false, certified_until: None };
        let ana = world.invited("Ana Silva", &[role], false).await;
        let page = ana.opens_a_new_link().await;
        let answers = at_once(&ana.browser, vec![page.form("/sign-in/link").unwrap(); MANY]).await;
        assert_eq!(how_many(&answers, "/enrolment"), 1, "{answers:?}");
        assert_eq!(world.rows("sessions", "1 = 1"), 1);
        assert_eq!(world.rows("authenticators", "1 = 1"), 1);
    }

    async fn f08_one_code_sent_many_times_at_once_is_accepted_once_within_a_session(world) {
        let ana = world.mediator("Ana Silva").await;
        let form = ana.gets("/code").await.form("/code").unwrap().with("code", &ana.fresh_code().await);
        let answers = at_once(&ana.browser, vec![form; MANY]).await;
        assert_eq!(how_many(&answers, "/home"), 1, "{answers:?}");
        assert_eq!(world.count(Kind::CodeAccepted).await, 1);
    }

    async fn f09_wrong_codes_sent_at_once_are_all_counted(world) {
        let ana = world.mediator_of(&world.organisation, "Ana Silva").await;
        let page = ana.opens_a_new_link().await;
        let wrong = page.form("/sign-in/link").unwrap().with("code", &ana.wrong_code().await);
        let answers = at_once(&ana.browser, vec![wrong; MANY]).await;
        assert!(answers.iter().all(|(status, _)| *status == 422), "{answers:?}");
        assert_eq!(world.rows("authenticators", "failures = 10 and locked_at is not null"), 1);
        assert_eq!(world.count(Kind::FactorLocked).await, 1);
        assert_eq!(world.count(Kind::SignInRefused).await, MANY);
    }
}
