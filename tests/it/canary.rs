//! The canary: a whole journey, with failures, at the most talkative level; nothing of a person and no secret is in the logs.

use std::io;
use std::sync::{Arc, Mutex};

use mandataire::config::{Log, LogFormat, LogLevel};
use mandataire::credential;
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::term::Term::Month;
use mandataire::logging;
use mandataire::store::authenticators;
use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;

use crate::on_each_backend;
use crate::world::World;
use crate::world::service::answered;

/// Where the lines go. The service answers on threads of its own, so the whole process writes here.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Self;
    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

impl Lines {
    /// Everything written so far, without the instants: their digits could be anybody's code.
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap().clone();
        let lines = String::from_utf8(bytes).unwrap();
        let lines = lines.lines().map(|line| {
            let mut line: Value = serde_json::from_str(line).expect("a line is JSON");
            line.as_object_mut().expect("a line is an object").remove("timestamp");
            line.to_string()
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn capture() -> Lines {
    use std::sync::OnceLock;
    static LINES: OnceLock<Lines> = OnceLock::new();
    let start = || {
        let lines = Lines::default();
        let dispatch = logging::lines(Log { format: LogFormat::Json, level: LogLevel::Trace }, lines.clone(), false);
        tracing::dispatcher::set_global_default(dispatch).expect("nothing else in this process writes logs");
        lines
    };
    LINES.get_or_init(start).clone()
}

/// Whether the text holds the word, not as a part of a longer one.
fn holds(text: &str, word: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    text.match_indices(word).any(|(at, found)| {
        let (before, after) = (text.get(..at), text.get(at + found.len()..));
        edge(before.and_then(|text| text.chars().next_back())) && edge(after.and_then(|text| text.chars().next()))
    })
}

/// A journey with everything that goes right and wrong: every secret it met.
async fn journey(world: &World) -> Vec<String> {
    let ana = world.mediator_of(&world.organisation, "Anastasia Silvestre").await;
    let mut secrets: Vec<String> = ["Anastasia", "Silvestre", ana.email.as_str()].map(str::to_owned).to_vec();
    let page = ana.opens_a_new_link().await;
    secrets.push(page.form("/sign-in/link").unwrap().value("token").unwrap().to_owned());
    let (wrong, code) = (ana.wrong_code().await, ana.code().await);
    ana.presents(&page, &wrong).await;
    ana.presents(&page, "ABCDE-FGHJK").await;
    ana.presents(&page, &code).await;
    secrets.extend([code, "ABCDE-FGHJK".to_owned(), world.csrf(&ana.browser).await]);
    // The address of the citizen's screen is the key to it.
    let list = ana.starts_an_opening(&[Logement], Month).await;
    let screen = ana.citizen_identifies(&list, "anghjula").await;
    secrets.push(screen.url.path().trim_start_matches("/agreements/").to_owned());
    ana.citizen_answers(&screen, "refuse", false).await;
    let opened = ana.opens_a_mandate_for("anghjula", &[Logement], Month).await;
    for number in ["06 99 88 77 66", "0812345678"] {
        ana.notes_the_phone(&opened.citizen, number).await;
    }
    secrets.extend(["99887766", "998877", "88 77 66", "0812345678"].map(str::to_owned));
    let service = world.franceconnect_client().await;
    let page = ana.comes_from(&service.request()).await;
    let back = ana.chooses(&page, &opened.citizen, Logement).await;
    secrets.extend(["code", "state"].map(|name| answered(&back, name).unwrap()));
    let code = answered(&back, "code").unwrap();
    let token = service.takes_a_token(&code).await;
    service.exchanges(&code).await;
    service.asks_identity(&token).await;
    let wrong = [
        ("grant_type", "authorization_code"),
        ("code", "a-code-that-is-none"),
        ("code_verifier", "a-verifier-that-is-none"),
        ("client_assertion", "an-assertion-that-is-none"),
        ("refresh_token", "a-refresh-token-that-is-none"),
        ("client_secret", "a-secret-that-is-none"),
        ("client_id", service.client.id.as_str()),
    ];
    // With each of them alone another check refuses it: the client, its two ways, the code.
    for fields in [&wrong[..], &[wrong[0], wrong[3]], &[wrong[0], wrong[5], wrong[6]]] {
        service.posts("/token", fields, &[]).await;
    }
    service.token_with(&wrong[..3]).await;
    service.token_with(&[("grant_type", "refresh_token"), wrong[4]]).await;
    secrets.extend(wrong[1..6].iter().map(|(_, value)| (*value).to_owned()));
    let identity = mandataire::demo::franceconnect::citizens::find("anghjula").unwrap().identity();
    secrets.extend([identity.given_name, identity.family_name, identity.email, identity.birthdate]);
    secrets.extend([token, service.secret.clone(), crate::world::OUR_SECRET.to_owned()]);
    ana.sees("/franceconnect/callback?code=leaked-code&state=leaked-state").await;
    ana.sees("/citizens?q=Anghjula").await;
    secrets.extend(["leaked-code", "leaked-state"].map(str::to_owned));
    world.database.execute("alter table journal_entries rename to elsewhere").unwrap();
    ana.sees(&format!("/citizens/{}", opened.citizen)).await;
    world.database.execute("alter table elsewhere rename to journal_entries").unwrap();
    ana.revokes(&opened.mandate, None).await;
    for name in ["mandataire-session", "mandataire-browser"] {
        secrets.push(ana.browser.cookie(&ana.url("/"), name).unwrap());
    }
    ana.signs_out().await;
    let account = ana.account.clone();
    let (_, seed) =
        world.app.store.read(move |db| authenticators::confirmed(db, &account)).await.unwrap().expect("an application");
    secrets.push(credential::seed_text(&seed));
    secrets.push(credential::code_at(&seed, world.now()));
    secrets
}

on_each_backend! {
    async fn no_name_address_token_code_or_seed_reaches_a_log(world) {
        let lines = capture();
        let secrets = journey(&world).await;
        let text = lines.text();
        assert!(holds(&text, "/sign-in/link") && holds(&text, "answered"), "the requests are logged: {text}");
        assert!(text.contains("a request failed"), "and so is what went wrong");
        for secret in secrets {
            assert!(secret.len() >= 4, "{secret}");
            let line = text.lines().find(|line| holds(line, &secret));
            assert!(line.is_none(), "{secret:?} is in {line:?}");
        }
    }
}

#[test]
fn the_canary_sings() {
    assert!(holds("{\"code\":\"123456\"}", "123456"));
    assert!(!holds("{\"id\":\"a123456b\"}", "123456"));
}
