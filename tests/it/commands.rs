//! What an administrator types: the program itself, and what it says, answers and leaves behind.

use std::fs;

use mandataire::domain::client::{Client, Pkce, Vocabulary};
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::{Justice, Logement};
use mandataire::domain::term::Term::Month;
use mandataire::store::clients;
use serde_json::Value;

use crate::on_each_backend;
use crate::sequencing::{Disk, all_signed, forces, happens, key, node};
use crate::world::desk::Desk;
use crate::world::everything::PEOPLE;
use crate::world::{Backend, World};

/// Whose journal it is.
const JOURNAL: &str = "[journal]\nkey_file = '{at}/journal.key'\nsigned_file = '{at}/signed'\n";

/// A desk that knows the journal's key, beside a journal of several tiles that is signed.
async fn signed(world: &World) -> Desk {
    let desk = Desk::of(world, JOURNAL);
    desk.write("journal.key", &key(9).secret());
    let memory = Disk::new(world);
    happens(world, 300).await;
    all_signed(&mut node(world, &memory)).await;
    desk
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

on_each_backend! {
    /// Where it is kept: untouched it is whole; with one entry changed the damage has a name, a place, and a code of its own.
    async fn journal_verify_answers_for_the_database(world) {
        let desk = signed(&world).await;
        let whole = desk.runs(&["journal", "verify", "--json"]);
        assert_eq!(whole.code, Some(0), "{whole:?}");
        let said = json(&whole.answer);
        assert!(said["covered"].as_u64() >= Some(300) && said["findings"].as_array().unwrap().is_empty());
        assert!(desk.runs(&["journal", "verify"]).answer.ends_with("nothing was changed\n"));
        let entry = world.database.texts("select entry as value from journal_positions where position = 123").remove(0);
        forces(&world, &["journal_entries"], &format!("update journal_entries set kind = 'use' where id = '{entry}'"));
        let damaged = desk.runs(&["journal", "verify", "--json"]);
        let said = json(&damaged.answer);
        let found = &said["findings"][0];
        assert_eq!((damaged.code, found["damage"].as_str(), found["from"].as_u64()), (Some(3), Some("altered"), Some(123)), "{said}");
        assert_eq!(found["entry"].as_str(), Some(entry.as_str()));
    }

    /// What auditors have on their pages, at the command line: under a purpose, with how far the journal goes, and nobody's name.
    async fn what_is_before_the_auditors_is_listed(world) {
        world.everything_happens().await;
        let desk = Desk::of(&world, "");
        let before = world.count(Kind::JournalRead).await;
        let mandate = world.database.texts("select min(id) as value from mandates").remove(0);
        let lists: [(&[&str], &str); 5] = [
            (&["signals"], "rule"),
            (&["findings"], "about"),
            (&["inquiries"], "standing"),
            (&["activity", "--from", "2026-11-01", "--to", "2026-11-30"], "entries"),
            (&["mandate", &mandate], "kind"),
        ];
        for (asked, member) in lists {
            let said = desk.runs(&[&["journal"], asked, &["--purpose", "inspection", "--json"]].concat());
            assert!(said.code == Some(0) && said.complaints.starts_with("complete to position "), "{said:?}");
            assert!(!json(said.answer.lines().next().expect("something"))[member].is_null(), "{said:?}");
            assert!(PEOPLE.iter().all(|name| !said.answer.contains(name)), "{said:?}");
            assert_eq!(desk.runs(&[&["journal"], asked].concat()).code, Some(2), "why?");
        }
        assert_eq!(world.count(Kind::JournalRead).await, before + 5);
    }

    /// A proof and a list are checked with the public key alone: no configuration, no database.
    async fn journal_prove_and_check_need_the_public_key_alone(world) {
        let desk = signed(&world).await;
        let public = key(9).verifier().to_string();
        let stranger = key(8).verifier().to_string();
        let entry = world.database.texts("select entry as value from journal_positions where position = 200").remove(0);
        let proof = desk.path("one.tlog-proof");
        let proved = desk.runs(&["journal", "prove", &entry, "--to", &proof, "--purpose", "complaint"]);
        assert_eq!((proved.code, world.count(Kind::JournalRead).await), (Some(0), 1), "{proved:?}");
        let list = desk.runs(&["journal", "list", "--purpose", "inspection", "--proofs", "--limit", "280"]);
        assert_eq!((list.code, list.answer.lines().count()), (Some(0), 281), "{list:?}");
        let list = desk.write("list.jsonl", &list.answer);
        // Neither is there any more.
        for gone in ["mandataire.toml", "master.key", "journal.key"] {
            fs::remove_file(desk.path(gone)).unwrap();
        }
        let checked = desk.runs(&["journal", "check", &proof, "--key", &public, "--json"]);
        let said = json(&checked.answer);
        assert_eq!((checked.code, said["index"].as_u64()), (Some(0), Some(200)), "{checked:?}");
        assert_eq!(json(said["entry"].as_str().unwrap())["id"], entry.as_str());
        let checked = desk.runs(&["journal", "check", &list, "--key", &public, "--json"]);
        assert_eq!((checked.code, json(&checked.answer)["proved"].as_u64()), (Some(0), Some(280)), "{checked:?}");
        for file in [&proof, &list] {
            assert_eq!(desk.runs(&["journal", "check", file, "--key", &stranger]).code, Some(3));
            let silent = desk.runs(&["journal", "check", file]);
            assert!(silent.code == Some(1) && silent.complaints.contains("--key"), "{silent:?}");
        }
        let altered = fs::read_to_string(&list).unwrap().replacen("\"leaf\":\"", "\"leaf\":\"f", 100);
        let altered = desk.write("altered.jsonl", &altered);
        let broken = desk.runs(&["journal", "check", &altered, "--key", &public]);
        assert!(broken.code == Some(3) && broken.answer.starts_with("line 2 does not hold"), "{broken:?}");
        let nowhere = desk.runs(&["journal", "check", &desk.path("nothing"), "--key", &public]);
        assert!(nowhere.code == Some(1) && !nowhere.complaints.is_empty());
    }

    async fn journal_prove_says_why_there_is_no_proof(world) {
        let desk = signed(&world).await;
        happens(&world, 1).await;
        let waiting = world.database.texts("select entry as value from journal_pending").remove(0);
        for (entry, why) in [(waiting.as_str(), "no signed checkpoint covers this entry yet"), ("ent_00000000000000000000000000", "not found")] {
            let refused = desk.runs(&["journal", "prove", entry, "--purpose", "complaint"]);
            assert!(refused.code == Some(1) && refused.complaints.contains(why), "{refused:?}");
        }
        assert_eq!(world.count(Kind::JournalRead).await, 0, "nothing was read");
    }

    /// A copy is verified by itself; one that was damaged is not believed; one that grew old is continued.
    async fn journal_export_makes_a_copy_that_is_verified_by_itself(world) {
        let desk = signed(&world).await;
        let (folder, public) = (desk.path("copy"), key(9).verifier().to_string());
        for sealed in [&[][..], &["--sealed"][..]] {
            let copied = desk.runs(&[&["journal", "export", &folder, "--purpose", "inspection"], sealed].concat());
            assert!(copied.code == Some(0) && copied.answer.contains("entries, up to the last checkpoint"), "{copied:?}");
        }
        let parts: Vec<_> = world.entries(Kind::JournalRead).await.iter().map(|one| one["part"].as_str().unwrap().to_owned()).collect();
        assert_eq!(parts, ["export", "export_sealed"]);
        let times = desk.runs(&["journal", "timestamps", &desk.path(""), "--purpose", "authority"]);
        assert_eq!((times.code, times.answer.as_str()), (Some(0), ""), "{times:?}");
        let why: Vec<_> = world.entries(Kind::JournalRead).await.iter().map(|one| one["purpose"].to_string()).collect();
        assert_eq!(why, ["\"inspection\"", "\"inspection\"", "\"authority\""]);
        let whole = desk.runs(&["journal", "verify", &folder, "--key", &public]);
        assert!(whole.code == Some(0) && whole.answer.ends_with("nothing was changed\n"), "{whole:?}");
        let bundle = format!("{folder}/tile/entries/000");
        let mut bytes = fs::read(&bundle).unwrap();
        bytes[40] ^= 1;
        fs::write(&bundle, bytes).unwrap();
        let damaged = desk.runs(&["journal", "verify", &folder, "--key", &public]);
        assert!(damaged.code == Some(3) && damaged.answer.starts_with("altered: position 0"), "{damaged:?}");
    }

    /// The keys leave apart from the data, come back, and a file that is too old is said to be.
    async fn admin_backup_and_restore_bring_every_key_back(world) {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let desk = Desk::of(&world, "");
        let (keys, data) = (desk.path("keys"), desk.path("data.db"));
        let with_data = desk.runs(&["admin", "backup", "--data", &data, "--keys", &keys, "--json"]);
        if world.database.backend == Backend::Sqlite {
            assert_eq!(with_data.code, Some(0), "{with_data:?}");
            let again = desk.runs(&["admin", "backup", "--data", &data, "--keys", &keys]);
            assert!(again.code == Some(1) && again.complaints.contains("is there already"), "{again:?}");
            // The copy, on another machine.
            let other = Desk::at(&format!("sqlite:{data}"), "");
            let restored = other.runs(&["admin", "restore", "--keys", &keys, "--json"]);
            let said = json(&restored.answer);
            assert_eq!((restored.code, &said["keys"], said["without_key"].as_i64()), (Some(0), &json(&with_data.answer)["keys"], Some(0)), "{restored:?}");
        } else {
            assert!(with_data.code == Some(1) && with_data.complaints.contains("pg_dump"), "{with_data:?}");
        }
        let made = desk.runs(&["admin", "backup", "--keys", &keys, "--json"]);
        let many = world.rows("person_keys", "1 = 1");
        assert_eq!((made.code, json(&made.answer)["keys"].as_i64()), (Some(0), Some(many)), "{made:?}");
        let rights = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&keys).unwrap().permissions());
        assert_eq!(rights & 0o777, 0o600, "a file of keys is its owner's");
        world.database.execute("delete from person_keys").unwrap();
        let restored = desk.runs(&["admin", "restore", "--keys", &keys, "--json"]);
        let said = json(&restored.answer);
        assert_eq!((restored.code, said["keys"].as_i64(), said["destroyed_again"].as_i64()), (Some(0), Some(many), Some(0)), "{restored:?}");
        assert!(ana.sees(&format!("/mandates/{}/document", opened.mandate)).await.text().contains("LEMOINE"));
        assert_eq!(world.count(Kind::BackupRestored).await, 1);
        // Somebody who came after the file was made.
        world.mediator("Bruno Hoarau").await;
        world.database.execute("delete from person_keys").unwrap();
        let old = desk.runs(&["admin", "restore", "--keys", &keys]);
        assert!(old.code == Some(1) && old.complaints.starts_with("1 persons of these data have no key"), "{old:?}");
        let none = desk.runs(&["admin", "restore", "--keys", &desk.write("none", "{}\n")]);
        assert!(none.code == Some(1) && none.complaints.contains("is no file of keys"), "{none:?}");
    }

    /// What is tried is what is done, and trying changes nothing.
    async fn retention_run_says_beforehand_what_it_does(world) {
        let ana = world.mediator("Ana Silva").await;
        let service = world.franceconnect_client().await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        service.exchanges(&code).await;
        ana.starts_an_opening(&[Justice], Month).await;
        ana.signs_out().await;
        ana.signs_in().await;
        // The program has the clock of the machine: what is over was over long ago.
        let old = "'2001-02-03 04:05:06'";
        for (table, set) in [
            ("grants", format!("code_expires_at = {old}, token_expires_at = {old}")),
            ("flows", format!("expires_at = {old}")),
            ("drafts", format!("created_at = {old}")),
            ("sessions", format!("expires_at = {old}")),
        ] {
            world.database.execute(&format!("update {table} set {set}")).unwrap();
        }
        let desk = Desk::of(&world, "");
        let tables = ["journal_entries", "grants", "flows", "drafts", "sessions", "leases"];
        let before = tables.map(|table| world.rows(table, "1 = 1"));
        let lines = |words: &[&str]| {
            let said = desk.runs(words);
            assert_eq!(said.code, Some(0), "{said:?}");
            said.answer.lines().map(json).map(|mut line| { line["dry_run"].take(); line }).collect::<Vec<_>>()
        };
        let tried = lines(&["retention", "run", "--dry-run", "--json"]);
        assert_eq!(tables.map(|table| world.rows(table, "1 = 1")), before, "nothing changes by trying");
        let done = lines(&["retention", "run", "--json"]);
        assert_eq!(tried, done);
        for what in ["grants", "flows", "drafts", "sessions"] {
            let line = done.iter().find(|line| line["what"] == what).unwrap();
            assert!(line["purged"].as_u64() > Some(0), "{what}: {line}");
        }
        assert!(desk.runs(&["retention", "run", "--dry-run"]).answer.contains("nothing is due"));
        assert_eq!(world.count(Kind::RetentionRun).await, 1);
    }

    /// What is named changes, and nothing else; a procedure bound to one service is withheld from the others at once.
    async fn a_registration_is_changed_by_naming_what(world) {
        let (one, other) = (world.plain_service().await.client, world.plain_service().await.client);
        let desk = Desk::of(&world, "");
        let now = async || {
            let list = world.app.store.read(|db| clients::list(db, 10)).await.unwrap();
            [&one.id, &other.id].map(|id| list.iter().find(|client| client.id == *id).unwrap().clone())
        };
        let says = |words: &[&str]| desk.runs(&[&["admin", "client", "change", one.id.as_str()], words].concat());
        let silent = says(&[]);
        assert!(silent.code == Some(1) && silent.complaints.contains("nothing to change"), "{silent:?}");
        let done = says(&["--name", "Guichet", "--binds", "logement", "--pkce", "required", "--introspects", "true", "--json"]);
        assert_eq!((done.code, json(&done.answer)["name"].as_str()), (Some(0), Some("Guichet")), "{done:?}");
        let [now_one, beside] = now().await;
        let expected = Client {
            name: "Guichet".to_owned(), binds: [Logement].into(), pkce: Pkce::Required, introspects: true, ..one.clone()
        };
        assert_eq!((now_one, beside), (expected, Client { withheld: [Logement].into(), ..other.clone() }));
        let lists = ["--acr", "gold", "--acr", "eidas1", "--vocabulary", "keys", "--procedure", "justice", "--binds-none"];
        assert_eq!(says(&lists).code, Some(0));
        let [now_one, beside] = now().await;
        assert_eq!((now_one.acr, now_one.vocabulary, now_one.procedures), (vec!["gold".into(), "eidas1".into()], Vocabulary::Keys, Some([Justice].into())));
        assert_eq!((now_one.pkce, now_one.binds.len(), beside.withheld.len()), (Pkce::Required, 0, 0));
        assert_eq!(says(&["--all-procedures", "--logout-uri", "https://guichet.example.fr/out"]).code, Some(0));
        let [now_one, _] = now().await;
        assert_eq!((now_one.procedures, now_one.logout_uris.len()), (None, 1));
        assert_eq!(says(&["--logout-uri-none"]).code, Some(0));
        assert_eq!(now().await[0].logout_uris, Vec::<String>::new());
        let told: Vec<_> = world.entries(Kind::ClientChanged).await.iter().map(|one| one["changed"].to_string()).collect();
        assert_eq!(told, ["\"name pkce introspects binds\"", "\"vocabulary acr procedures binds\"", "\"logout_uris procedures\"", "\"logout_uris\""]);
        let odd = says(&["--procedure", "justice", "--binds", "logement"]);
        assert!(odd.code == Some(1) && odd.complaints.contains("bound"), "{odd:?}");
        let unknown = desk.runs(&["admin", "client", "change", "nobody", "--name", "x"]);
        assert_eq!(unknown.code, Some(1), "{unknown:?}");
        assert_eq!(says(&["--redirect-uri", "http://example.fr/"]).code, Some(2), "an address is held to the same rules");
    }
}
