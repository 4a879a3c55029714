//! The auditor's workspace: both ways through a list, figures, stories of mandates, exports, identities, signals, findings.

mod telling;

use std::collections::{BTreeMap, BTreeSet};

use mandataire::demo::browser::Page;
use mandataire::domain::event::{Event, Kind};
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::term::Term::Month;
use mandataire::store::audit::{self, Field, Part, Search};
use mandataire::store::journal::{self, Filter};
use mandataire::store::{Error, Tx};

use crate::on_each_backend;
use crate::sequencing::{Disk, all_signed, node};
use crate::world::World;
use crate::world::actor::Actor;
use crate::world::everything::declares_a_purpose;

/// An auditor who said why.
pub(crate) async fn at_work(world: &World, name: &str) -> Actor {
    let auditor = world.auditor(name).await;
    declares_a_purpose(&auditor).await;
    auditor
}

/// So many entries of one kind, at one client.
pub(crate) async fn write(world: &World, count: usize, client: &'static str) {
    let now = world.now();
    let written = move |tx: &mut Tx<'_>| {
        for number in 0..count {
            let event = Event::new(Kind::SecurityRefused, now).at_client(client);
            journal::record(tx, &event.fact("reason", format!("test_{number}")))?;
        }
        Ok::<_, Error>(())
    };
    world.app.store.write(written).await.unwrap();
}

fn on(page: &Page) -> Vec<String> {
    let paths = page.links().into_iter().map(|link| link.url.path().to_owned());
    paths.filter(|path| path.starts_with("/journal/ent_")).collect()
}

fn link(page: &Page, relation: &str) -> Option<String> {
    let link = page.body.split("<a ").find(|tag| tag.contains(&format!("rel=\"{relation}\"")))?;
    Some(link.split("href=\"").nth(1)?.split('"').next()?.replace("&#38;", "&").replace("&amp;", "&"))
}

pub(crate) async fn exports(auditor: &Actor, query: &str, format: &str) -> Page {
    let form = auditor.sees(&format!("/journal?{query}")).await.form("/journal/export").expect("an export is offered");
    auditor.browser.submit(&form.with("format", format)).await.unwrap()
}

on_each_backend! {
    async fn a_list_is_walked_to_its_end_and_back(world) {
        write(&world, 120, "walk").await;
        let auditor = at_work(&world, "Denis Roux").await;
        let mut page = auditor.sees("/journal?service=walk").await;
        let mut forth = vec![on(&page)];
        while let Some(next) = link(&page, "next") {
            page = auditor.sees(&next).await;
            forth.push(on(&page));
        }
        assert_eq!(forth.iter().map(Vec::len).collect::<Vec<_>>(), [50, 50, 20]);
        let mut back = vec![on(&page)];
        while let Some(previous) = link(&page, "prev") {
            page = auditor.sees(&previous).await;
            back.insert(0, on(&page));
        }
        assert_eq!(back, forth);
        assert_eq!(auditor.gets("/journal?before=nonsense").await.status, 400);
    }

    /// What is searched and counted is the journal, exactly, whenever it is read.
    async fn the_copy_says_what_the_journal_says(world) {
        world.everything_happens().await;
        let now = world.now();
        audit::catch_up(&world.app.store, now).await.unwrap();
        let (entries, found, tallies) = world.app.store.read(move |db| {
            let entries = journal::list_forward(db, &Filter::default(), None, 10_000)?;
            let found = audit::page(db, &Search::default(), &Part::Forward(None), 10_000)?;
            Ok::<_, Error>((entries, found, audit::tallies(db, None, 0, 100_000)?))
        }).await.unwrap();
        let ids = |entries: &[journal::Entry]| entries.iter().map(|entry| entry.id.to_string()).collect::<Vec<_>>();
        assert_eq!(ids(&found), ids(&entries));
        let mut counted: BTreeMap<Kind, u64> = BTreeMap::new();
        for entry in &entries {
            *counted.entry(entry.kind).or_default() += 1;
        }
        let mut told: BTreeMap<Kind, u64> = BTreeMap::new();
        for tally in &tallies {
            *told.entry(tally.kind).or_default() += tally.entries;
        }
        assert_eq!(told, counted);
        let again = world.app.store.write(move |tx| audit::digest(tx, now)).await.unwrap();
        assert_eq!((again.copied, again.more), (0, false), "nothing is copied twice");
        for (field, column) in [(Field::Organisation, "organisation"), (Field::Client, "client"), (Field::Citizen, "citizen")] {
            let words = world.database.texts(&format!("select distinct {column} as value from journal_entries where {column} is not null"));
            for word in words {
                let expected = world.database.number(&format!("select count(*) from journal_entries where {column} = '{word}'"));
                let of = word.clone();
                let counted = world.app.store.read(move |db| audit::tallies(db, Some((field, &of)), 0, 100_000)).await.unwrap();
                assert_eq!(counted.iter().map(|one| one.entries).sum::<u64>(), u64::try_from(expected).unwrap(), "{column} {word}");
            }
        }
    }

    /// An entry that becomes visible after later ones is found all the same.
    async fn an_entry_that_comes_late_is_found(world) {
        let (now, store) = (world.now(), &world.app.store);
        write(&world, 3, "early").await;
        audit::catch_up(store, now).await.unwrap();
        let late = now - chrono::TimeDelta::seconds(30);
        store.write(move |tx| journal::record(tx, &Event::new(Kind::SecurityRefused, late).at_client("late")).map(drop)).await.unwrap();
        audit::catch_up(store, now).await.unwrap();
        let search = Search { with: BTreeMap::from([(Field::Client, "late".to_owned())]), ..Search::default() };
        let found = store.read::<_, _, Error>(move |db| audit::page(db, &search, &Part::First, 10)).await.unwrap();
        assert_eq!(found.len(), 1);
    }

    /// However late it becomes visible, an entry is found once it has its position: nothing that is in the tree is passed by.
    async fn an_entry_that_is_an_hour_late_is_found(world) {
        let (disk, store) = (Disk::new(&world), &world.app.store);
        let mut sequencer = node(&world, &disk);
        let found = async |client: &str| {
            audit::catch_up(store, world.now()).await.unwrap();
            let search = Search { with: BTreeMap::from([(Field::Client, client.to_owned())]), ..Search::default() };
            store.read::<_, _, Error>(move |db| audit::identifiers(db, &search, &Part::First, 1_000)).await.unwrap().len()
        };
        for _ in 0..2 {
            write(&world, 300, "early").await;
            world.after(7_200);
            assert_eq!(found("early").await % 300, 0);
            all_signed(&mut sequencer).await;
        }
        // What waits was looked at up to now.
        write(&world, 1, "now").await;
        world.after(120);
        assert_eq!(found("now").await, 1);
        let late = world.now() - chrono::TimeDelta::hours(1);
        let record = async |client: &'static str| {
            store.write(move |tx| journal::record(tx, &Event::new(Kind::SecurityRefused, late).at_client(client)).map(drop)).await.unwrap();
        };
        record("late").await;
        assert_eq!(found("late").await, 0, "it waits, and is older than what was looked at");
        all_signed(&mut sequencer).await;
        assert_eq!((found("late").await, found("early").await), (1, 600));
        let (trust, now) = (world.app.trust.clone(), world.now());
        let coverage = store.read(move |db| audit::coverage(db, &trust, now)).await.unwrap();
        let last = u64::try_from(world.database.number("select max(position) from journal_positions")).ok();
        assert_eq!((coverage.position, coverage.searched), (last, last));
        // A copy that followed instants, and missed it: its cursor is an identifier.
        record("later").await;
        all_signed(&mut sequencer).await;
        world.database.execute("update journal_digest set settled = (select max(id) from journal_entries)").unwrap();
        assert_eq!(found("later").await, 1);
        // Made again from nothing.
        world.database.execute("delete from journal_search; delete from journal_days; update journal_digest set settled = ''").unwrap();
        assert_eq!((found("early").await, found("late").await, found("later").await), (600, 1, 1));
        let day = store.read::<_, _, Error>(|db| audit::tallies(db, Some((Field::Client, "late")), 0, 100_000)).await.unwrap();
        assert_eq!(day.iter().map(|one| one.entries).sum::<u64>(), 1);
    }

    /// H13: no purpose, no export; with one, a limit and a quota, and an entry that says filter and count.
    async fn h13_an_export_needs_a_purpose_and_ends_at_its_quota(world) {
        write(&world, 300, "bulk").await;
        let silent = world.auditor("Sila Silence").await;
        let csrf = silent.sees("/").await.form("/sign-out").unwrap().value("csrf").unwrap().to_owned();
        let fields = [("format", "csv"), ("csrf", csrf.as_str())];
        let answer = world.posts(&silent.browser, "/journal/export", &fields, &[]).await;
        assert_eq!((answer.status, world.count(Kind::JournalExported).await), (303, 0), "first the purpose");
        let auditor = at_work(&world, "Denis Roux").await;
        for taken in [200, 400] {
            let file = exports(&auditor, "service=bulk", "csv").await;
            assert_eq!((file.status, file.body.lines().count()), (200, 201), "the limit, and a head");
            let said = world.entries(Kind::JournalExported).await;
            let last = said.last().unwrap();
            assert_eq!((last["entries"].as_str(), last["filter_client"].as_str(), last["format"].as_str()), (Some("200"), Some("bulk"), Some("csv")));
            assert_eq!(said.len() * 200, taken);
        }
        let refused = exports(&auditor, "service=bulk", "json").await;
        assert_eq!(refused.status, 429);
        assert_eq!(world.reasons(Kind::ActRefused).await, ["export_quota"]);
        world.after(86_401);
        auditor.signs_in().await;
        declares_a_purpose(&auditor).await;
        let file = exports(&auditor, "service=bulk", "json").await;
        assert_eq!(file.body.lines().count(), 201, "a day later");
        for line in file.body.lines().skip(1) {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(value["clear"].as_str().unwrap().contains("bulk") && value["leaf"].as_str().unwrap().len() == 64);
        }
    }

    /// I03: a word that a spreadsheet would compute is a text in the file.
    async fn i03_an_export_holds_no_formula(world) {
        let auditor = at_work(&world, "Denis Roux").await;
        for word in ["=HYPERLINK(1)", "+33", "-2+3", "@SUM(A1)"] {
            write(&world, 1, word).await;
        }
        let file = exports(&auditor, "kind=security_refused", "csv").await;
        assert_eq!(file.status, 200);
        let cells: Vec<_> = file.body.lines().skip(1).flat_map(|line| line.split("\",\"")).map(str::to_owned).collect();
        for word in ["=HYPERLINK(1)", "+33", "-2+3", "@SUM(A1)"] {
            assert!(cells.contains(&format!("'{word}")) && !cells.contains(&word.to_owned()), "{word}: {}", file.body);
        }
    }

    /// Two auditors, a ground and a code stand between a pseudonym and a name; and a day later it is closed again.
    async fn an_identity_is_read_only_by_who_asked_once_another_allowed_it(world) {
        let ana = world.mediator("Ana Silva").await;
        let citizen = ana.opens_a_mandate_for("josephine", &[Logement], Month).await.citizen.to_string();
        let (denis, ines) = (at_work(&world, "Denis Roux").await, at_work(&world, "Ines Morel").await);
        let form = denis.sees("/journal/inquiries").await.form("/journal/inquiries").unwrap();
        for (name, value) in [("citizen", "Joséphine"), ("ground", "curiosity"), ("reason", "why")] {
            let wrong = form.clone().with("citizen", &citizen).with("ground", "complaint").with("reason", "a long enough reason");
            let page = denis.sends(&wrong.with(name, value)).await;
            assert_eq!(page.status, 422, "{name}");
            assert!(page.body.contains(&format!("id=\"{name}-error\"")), "{name}");
        }
        assert_eq!(world.count(Kind::InquiryAsked).await, 0);
        let asked = denis.asks_who(&citizen).await;
        let path = asked.url.path().to_owned();
        assert!(asked.text().contains("Réclamation de Joséphine"), "auditors read the reason");
        let reading = format!("{path}/reading");
        assert!(asked.form(&format!("{path}/decision")).is_none(), "nobody decides their own");
        let code = denis.fresh_code().await;
        let own = form.clone().aimed_at(&format!("{path}/decision")).with("decision", "approve").with("code", &code);
        assert_eq!(denis.sends(&own).await.status, 403);
        assert_eq!(denis.sends(&form.clone().aimed_at(&reading)).await.status, 403, "not before it is allowed");
        let decision = ines.sees(&path).await.form(&format!("{path}/decision")).unwrap();
        let wrong = ines.wrong_code().await;
        let page = ines.sends(&decision.clone().with("decision", "approve").with("code", &wrong)).await;
        assert_eq!((page.status, world.count(Kind::InquiryApproved).await), (422, 0));
        let page = ines.decides(&path, "approve").await;
        assert!(page.form(&reading).is_none(), "the second auditor does not read");
        let theirs = ines.sees("/journal/inquiries").await.form("/journal/inquiries").unwrap().aimed_at(&reading);
        assert_eq!(ines.sends(&theirs).await.status, 403);
        let form = denis.sees(&path).await.form(&reading).expect("a button to read");
        let identity = denis.sends(&form).await;
        assert!(identity.text().contains("Joséphine"), "{}", identity.text());
        let read = world.entries(Kind::IdentityRead).await;
        assert_eq!((read.len(), read[0]["citizen"].as_str()), (1, Some(citizen.as_str())));
        denis.sends(&form).await;
        assert_eq!(world.count(Kind::IdentityRead).await, 2, "each reading is one");
        world.after(86_401);
        denis.signs_in().await;
        declares_a_purpose(&denis).await;
        let page = denis.sees(&path).await;
        assert!(page.form(&reading).is_none());
        let late = page.form("/sign-out").unwrap().aimed_at(&reading);
        assert_eq!(denis.sends(&late).await.status, 409, "a day is over");
        assert_eq!(world.count(Kind::IdentityRead).await, 2);
    }

    async fn the_questions_are_answered_with_the_figures_of_the_journal(world) {
        let ana = world.mediator("Ana Silva").await;
        let service = world.franceconnect_client().await;
        let one = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        for _ in 0..2 {
            ana.uses(&service, &one.citizen, Logement).await;
        }
        let auditor = at_work(&world, "Denis Roux").await;
        let of = [one.citizen.to_string(), world.organisation.to_string(), ana.account.to_string(), service.client.id.clone(), "logement".to_owned(), String::new()];
        for (at, of) in of.iter().enumerate() {
            for step in ["day", "week", "month"] {
                let page = auditor.gets(&format!("/journal/activity?of={of}&step={step}")).await;
                assert_eq!(page.status, 200);
                assert!(page.body.contains("class=\"chart\"") && page.text().contains("Utilisations au total\u{a0}: 2"), "{of} {step}: {}", page.text());
                assert!(page.link("/journal/mandates/mdt_").is_some(), "who, when, for what");
            }
            let read = world.entries(Kind::JournalRead).await;
            assert!(at == 5 || read.iter().any(|entry| entry["about"] == of.as_str()), "{of}");
        }
        let quiet = auditor.gets("/journal/activity?from=2020-01-01&to=2020-02-01").await;
        assert!(quiet.status == 200 && !quiet.body.contains("class=\"chart\""));
        for wrong in ["of=Jos%C3%A9phine+L", "from=2026-02-30", "from=2026-02-02&to=2026-02-01", "from=1900-01-01", "to=%2B262142-12-31"] {
            let before = world.count(Kind::JournalRead).await;
            let page = auditor.gets(&format!("/journal/activity?{wrong}")).await;
            assert!(page.status == 422 && page.text().contains("Dernière inscription"), "{wrong}: it says how much there is");
            assert_eq!(world.count(Kind::JournalRead).await, before);
        }
    }

    /// The organisation sees its signal first, and answers; auditors see both, or the silence once the time is over.
    async fn a_signal_goes_to_the_organisation_first(world) {
        let ana = world.mediator("Ana Silva").await;
        let service = world.franceconnect_client().await;
        let one = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let bruno = world.mediator("Bruno Hoarau").await;
        bruno.uses(&service, &one.citizen, Logement).await;
        assert_eq!(world.signals_of_the_day(0).await, 2, "on a Sunday, and minutes after the opening");
        assert_eq!(world.signals_of_the_day(0).await, 0, "said once");
        let rules: BTreeSet<_> = world.entries(Kind::SignalRaised).await.iter().map(|one| one["rule"].as_str().unwrap().to_owned()).collect();
        assert_eq!(rules, BTreeSet::from(["outside_hours".to_owned(), "soon_after_opening".to_owned()]));
        let auditor = at_work(&world, "Denis Roux").await;
        assert!(auditor.sees("/journal/signals").await.link("/journal/signals/sig_").is_none(), "not yet");
        let own = ana.sees("/signals").await.link("/signals/sig_").unwrap();
        let theirs = format!("/journal{}", own.path());
        assert_eq!(auditor.gets(&theirs).await.status, 404);
        let elsewhere = world.another_organisation().await;
        let stranger = world.mediator_of(&elsewhere, "Bo Martin").await;
        stranger.signs_in().await;
        assert_eq!(stranger.gets(own.path()).await.status, 404);
        let form = ana.sees(own.path()).await.form("/signals/").unwrap();
        assert_eq!(ana.sends(&form.clone().with("answer", "oui")).await.status, 422);
        assert_eq!(stranger.forges(&form.clone().with("answer", "a long enough answer")).await.status, 404);
        assert_eq!(ana.sends(&form.clone().with("answer", "Journée portes ouvertes à la mairie.")).await.status, 200);
        assert_eq!(ana.sends(&form.with("answer", "Une autre réponse, plus tard.")).await.status, 409);
        assert!(auditor.sees(&theirs).await.text().contains("portes ouvertes"));
        world.after(14 * 86_400);
        auditor.signs_in().await;
        declares_a_purpose(&auditor).await;
        let all = auditor.sees("/journal/signals").await;
        assert_eq!(all.body.matches("href=\"/journal/signals/sig_").count(), 2, "silence does not hide one");
    }

    async fn a_finding_is_signed_with_a_fresh_code_and_is_an_entry(world) {
        let auditor = at_work(&world, "Denis Roux").await;
        let (about, text) = (world.organisation.to_string(), "Rien à redire sur cette structure.\r\nÀ revoir dans un an.");
        let form = auditor.sees(&format!("/journal/findings?about={about}")).await.form("/journal/findings").unwrap();
        assert_eq!(form.value("about"), Some(about.as_str()));
        let form = form.with("text", text);
        let wrong = auditor.wrong_code().await;
        for (name, value) in [("code", wrong.as_str()), ("about", "Joséphine"), ("text", "court")] {
            let code = auditor.fresh_code().await;
            let page = auditor.sends(&form.clone().with("code", &code).with(name, value)).await;
            assert_eq!(page.status, 422, "{name}");
        }
        for own in [auditor.account.to_string(), world.database.texts(&format!("select id as value from journal_entries where actor = '{}'", auditor.account)).remove(0)] {
            let code = auditor.fresh_code().await;
            let page = auditor.sends(&form.clone().with("code", &code).with("about", &own)).await;
            assert!(page.status == 403 && page.text().contains("un autre auditeur doit conclure"), "{own}: {}", page.text());
        }
        assert!(world.reasons(Kind::ActRefused).await.iter().filter(|reason| *reason == "finding_of_oneself").count() >= 2);
        assert_eq!(world.count(Kind::FindingRecorded).await, 0);
        let code = auditor.fresh_code().await;
        let page = auditor.sends(&form.with("code", &code)).await;
        assert!(page.body.contains("Rien à redire sur cette structure.\nÀ revoir dans un an."), "{}", page.body);
        let entries = world.entries(Kind::FindingRecorded).await;
        assert_eq!((entries.len(), entries[0]["about"].as_str()), (1, Some(about.as_str())));
        assert!(!entries[0].to_string().contains("sha256"), "a digest would outlive the text");
    }

    /// Whatever an auditor opens is in the journal, with who and what.
    async fn every_page_of_an_auditor_is_recorded(world) {
        let auditor = world.everything_happens().await;
        let one = |sql: &str| world.database.texts(sql).remove(0);
        let paths = [
            "/journal".to_owned(),
            "/journal/activity".to_owned(),
            "/journal/signals".to_owned(),
            "/journal/findings".to_owned(),
            "/journal/inquiries".to_owned(),
            format!("/journal/{}", one("select max(id) as value from journal_entries")),
            format!("/journal/mandates/{}", one("select max(id) as value from mandates")),
            format!("/journal/inquiries/{}", one("select max(id) as value from inquiries")),
            format!("/journal/signals/{}", one("select max(id) as value from signals where answered_at is not null")),
        ];
        for path in paths {
            let before = world.count(Kind::JournalRead).await;
            let page = auditor.gets(&path).await;
            assert_eq!(page.status, 200, "{path}: {}", page.text());
            assert_eq!(world.count(Kind::JournalRead).await, before + 1, "{path}");
            let declared = world.entries(Kind::PurposeDeclared).await;
            let read = world.entries(Kind::JournalRead).await;
            let why = read.last().unwrap()["declared"].as_str();
            let of = |entry: &&serde_json::Value| entry["actor"] == auditor.account.as_str();
            assert_eq!(why, declared.iter().rfind(of).unwrap()["id"].as_str(), "{path}: under which purpose");
            assert!(page.text().contains("Dernière inscription"), "{path} says how much it covers");
            assert!(page.text().contains("Non connus ici"), "{path} invents no figure");
        }
    }
}
