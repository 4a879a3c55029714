//! Lists taken away with their proofs: what leaves the database holds without it.

use mandataire::app::evidence::Known;
use mandataire::app::evidence::proving::{Broken, Listed, check_list};
use mandataire::store::Error;
use mandataire::store::audit::{CHUNK, Part, Proofs, Search, catch_up, identifiers};
use serde_json::Value;

use crate::auditing::{at_work, exports, write};
use crate::on_each_backend;
use crate::sequencing::{Disk, all_signed, happens, node, verifier};

fn checked(list: &str) -> Result<Listed, Broken> {
    check_list(list.as_bytes(), &Known { keys: vec![verifier()], ..Known::default() }).unwrap()
}

fn lines(list: &str) -> Vec<Value> {
    list.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

on_each_backend! {
    /// Some of the entries of a journal of several tiles, and one that no checkpoint covers yet.
    async fn an_export_holds_its_proofs_and_says_what_waits(world) {
        let disk = Disk::new(&world);
        let mut sequencer = node(&world, &disk);
        write(&world, 3, "taken").await;
        all_signed(&mut sequencer).await;
        happens(&world, 700).await;
        write(&world, 4, "taken").await;
        all_signed(&mut sequencer).await;
        world.after(1);
        write(&world, 1, "taken").await;
        let auditor = at_work(&world, "Denis Roux").await;
        let file = exports(&auditor, "service=taken", "json").await;
        let list = checked(&file.body).unwrap();
        let size = world.database.number("select max(size) from journal_checkpoints");
        assert_eq!((list.proved, list.waiting, list.checkpoint.size), (7, 1, u64::try_from(size).unwrap()), "{}", file.body);
        let said = lines(&file.body);
        assert_eq!((said[0]["kind"].as_str(), said[0]["entries"].as_u64(), said[1]["kind"].as_str()), (Some("checkpoint"), Some(8), Some("waiting")));
        for line in &said[2..] {
            let entry: Value = serde_json::from_str(line["clear"].as_str().unwrap()).unwrap();
            let place = world.database.number(&format!("select position from journal_positions where entry = '{}'", entry["id"].as_str().unwrap()));
            assert_eq!(line["position"].as_i64(), Some(place));
            assert!(line["path"].as_array().unwrap().len() >= 3);
        }
        // The same in CSV: positions and leaf hashes.
        let csv = exports(&auditor, "service=taken", "csv").await;
        for (line, row) in said[1..].iter().zip(csv.body.lines().skip(1)) {
            let position = line["position"].as_u64().map(|one| one.to_string()).unwrap_or_default();
            assert!(row.contains(&format!(",\"{position}\",\"{}\",", line["leaf"].as_str().unwrap())), "{row}");
        }
        // An entry that is not what was signed does not hold.
        let mut forged: Vec<_> = file.body.split_inclusive('\n').map(str::to_owned).collect();
        forged[4] = forged[4].replace("security_refused", "security_refuse");
        assert_eq!(checked(&forged.concat()).unwrap_err().line, 5);
    }

    /// Nothing is signed yet: the list says so, and is taken for no proof.
    async fn before_anything_is_signed_every_entry_waits(world) {
        write(&world, 2, "taken").await;
        let auditor = at_work(&world, "Denis Roux").await;
        let file = exports(&auditor, "service=taken", "json").await;
        let kinds: Vec<_> = lines(&file.body).iter().map(|line| line["kind"].as_str().unwrap().to_owned()).collect();
        assert_eq!(kinds, ["checkpoint", "waiting", "waiting"]);
        assert_eq!(checked(&file.body).unwrap_err().line, 1);
    }

    /// However many entries, what is kept of the tree is what one chunk needs.
    async fn a_long_list_keeps_few_tiles(world) {
        let disk = Disk::new(&world);
        let mut sequencer = node(&world, &disk);
        happens(&world, 1_300).await;
        all_signed(&mut sequencer).await;
        let store = &world.app.store;
        for _ in 0..2 {
            catch_up(store, world.now()).await.unwrap();
        }
        let ids = store.read::<_, _, Error>(|db| identifiers(db, &Search::default(), &Part::Forward(None), 10_000)).await.unwrap();
        let (mut proofs, mut list) = store.read::<_, _, Error>(move |db| {
            let proofs = Proofs::begin(db)?;
            let list = mandataire::journal::listing::head(proofs.note(), 1_300);
            Ok((proofs, list))
        }).await.unwrap();
        for chunk in ids[..1_300].chunks(CHUNK) {
            let chunk = chunk.to_vec();
            let (next, more) = store.read::<_, _, Error>(move |db| proofs.of(db, &chunk).map(|listed| (proofs, listed))).await.unwrap();
            proofs = next;
            assert!(proofs.tiles() <= 12, "{} tiles are kept", proofs.tiles());
            list.extend(more.iter().map(mandataire::journal::listing::line));
        }
        assert_eq!(checked(&list).unwrap().proved, 1_300);
    }
}
