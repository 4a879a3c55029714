//! What is done to the journal.

use std::collections::{BTreeMap, BTreeSet};

use mandataire::clock::Random;
use mandataire::journal::checkpoint::Checkpoint;
use mandataire::journal::leaf::{Hash, leaf_hash};
use mandataire::journal::note::Signer;
use mandataire::journal::tile::{Edge, Row as TileRow};
use mandataire::journal::verify::Damage;

use super::hand::{CHECKPOINTS, COSIGNATURES, ENTRIES, Hand, POSITIONS, Row, SEARCH, TABLES, TILES, Table, unhex};
use super::named;

/// Chances that can be repeated (`SplitMix64`).
pub(super) struct Chance(u64);

impl Chance {
    /// From `FAULT_SEED`, or new; printed either way.
    pub(super) fn new() -> Self {
        let fresh = u64::from_le_bytes(Random::system().bytes());
        let seed = std::env::var("FAULT_SEED").map_or(fresh, |text| text.parse().expect("a number"));
        println!("FAULT_SEED={seed}");
        Self(seed)
    }

    /// A number from 0, below `limit`.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn of<'t, T>(&mut self, all: &'t [T]) -> (usize, &'t T) {
        let at = usize::try_from(self.below(all.len() as u64)).unwrap();
        (at, &all[at])
    }
}

/// Where a finding must be.
#[derive(Debug, Clone)]
pub(super) enum Where {
    Entry(String),
    Position(u64),
    /// Named by the place: a tile, a checkpoint.
    Row(String),
    /// From this position on.
    From(u64),
}

/// One thing done.
pub(super) struct Act {
    pub(super) what: String,
    pub(super) kind: &'static str,
    pub(super) sql: String,
    pub(super) tables: Vec<&'static str>,
    pub(super) places: Vec<Where>,
    /// What it must be called, where one thing only can be meant.
    pub(super) damage: Option<Damage>,
}

/// The journal before anything is done to it.
pub(super) struct Scene {
    pub(super) hand: Hand,
    rows: BTreeMap<&'static str, Vec<Row>>,
    positions: BTreeMap<String, u64>,
}

fn text(value: &str) -> String {
    value.trim_matches('\'').to_owned()
}

impl Scene {
    pub(super) fn of(mut hand: Hand) -> Self {
        let rows: BTreeMap<_, _> = TABLES.iter().map(|table| (table.name, hand.rows(table))).collect();
        let placed = rows[POSITIONS.name].iter().map(|row| (text(&row[1]), row[0].parse().unwrap()));
        let positions = placed.collect();
        Self { hand, rows, positions }
    }

    /// Where a change of this row must be found.
    fn places(&self, table: &Table, row: &Row) -> Vec<Where> {
        let of_entry = |id: &str| {
            let at = self.positions.get(id).map(|at| Where::Position(*at));
            at.into_iter().chain([Where::Entry(id.to_owned())]).collect()
        };
        match table.name {
            "journal_positions" | "journal_search" => of_entry(&text(&row[1])),
            "journal_tiles" => {
                let first = row[1].parse::<u64>().unwrap() * 256;
                let inside = (first..first + 256).step_by(1).map(Where::Position);
                inside.chain([Where::Row(format!("tile {}/{}", row[0], row[1]))]).collect()
            }
            "journal_checkpoints" => {
                // One that is not there is missed by the next one; the last one, by whoever kept it.
                let size = row[0].parse().unwrap_or(u64::MAX);
                let mut later = self.rows[table.name].iter().filter(|row| row[0].parse::<u64>().unwrap() > size);
                let before = later.next().map_or(table.name.to_owned(), |next| format!("before {}", next[0]));
                vec![
                    Where::Row(format!("checkpoint {}", row[0])),
                    Where::Row(format!("before {}", row[0])),
                    Where::Row(before),
                ]
            }
            "journal_cosignatures" | "journal_timestamps" => vec![Where::Row(format!("at {}", row[0]))],
            "erasures" => vec![
                Where::Row(format!("erasure of {}", text(&row[0]))),
                Where::Row(format!("erasures of {}", text(&row[0]))),
            ],
            // A word is seen where entries are found by it.
            "journal_terms" => vec![Where::Row(table.name.to_owned()), Where::Row(SEARCH.name.to_owned())],
            "journal_days" => vec![Where::Row(table.name.to_owned())],
            _ => of_entry(&text(&row[0])),
        }
    }

    /// Whether a hole is left where these rows are gone: of an entry that waits, what leads to it is left.
    fn is_missed(&self, table: &Table, gone: &[Row]) -> bool {
        table.name != ENTRIES.name || gone.iter().any(|row| self.positions.contains_key(&text(&row[0])))
    }

    /// Everything, each kind of thing so many times.
    pub(super) fn acts(&self, chance: &mut Chance, times: usize) -> Vec<Act> {
        let mut acts = Vec::new();
        for table in TABLES {
            for _ in 0..times {
                (0..table.columns.len()).for_each(|column| self.columns(table, column, chance, &mut acts));
                self.whole_rows(table, chance, &mut acts);
            }
        }
        for _ in 0..times {
            self.computed_anew(chance, &mut acts);
        }
        self.cut_short(&mut acts);
        self.placed_again(&mut acts);
        acts
    }

    /// One column of one row: changed, emptied, its neighbour's.
    fn columns(&self, table: &'static Table, column: usize, chance: &mut Chance, acts: &mut Vec<Act>) {
        let rows = &self.rows[table.name];
        let (name, kind) = table.columns[column];
        for how in ["changed", "emptied", "nothing", "neighbour's"] {
            // Some rows hold what the change would make of them: then another one.
            for _ in 0..200 {
                let (at, row) = chance.of(rows);
                let next = &rows[(at + 1) % rows.len()];
                let value = match how {
                    "changed" => self.hand.changed(&row[column], kind, chance.below(1 << 20)),
                    "emptied" => self.hand.emptied(kind),
                    "nothing" => "NULL".to_owned(),
                    _ => next[column].clone(),
                };
                if value == row[column] {
                    continue;
                }
                let mut places = self.places(table, row);
                if column < table.key && how == "nothing" {
                    // Nothing leads to it but the table.
                    places.push(Where::Row(table.name.to_owned()));
                } else if column < table.key {
                    // What it is called now leads to it too.
                    let mut renamed = row.clone();
                    renamed[column].clone_from(&value);
                    places.extend(self.places(table, &renamed));
                }
                let what = format!("{}.{name} of {} {how}", table.name, row[0]);
                let sql = table.set(row, &[(column, value)]);
                let damage = named::column(table, column, how);
                acts.push(Act { what, kind: how, sql, tables: vec![table.name], places, damage });
                break;
            }
        }
    }

    /// A row removed, added, exchanged with another.
    fn whole_rows(&self, table: &'static Table, chance: &mut Chance, acts: &mut Vec<Act>) {
        let rows = &self.rows[table.name];
        let (at, row) = chance.of(rows);
        let mut push = |kind: &'static str, sql: String, places: Vec<Where>| {
            let what = format!("{} row {} {kind}", table.name, row[0]);
            // Where the end of a table is gone, it is as it was once.
            let named = if kind == "removed" && at + 1 == rows.len() { "rolled back" } else { kind };
            let damage = named::row(table.name, named).filter(|_| self.is_missed(table, std::slice::from_ref(row)));
            acts.push(Act { what, kind, sql, tables: vec![table.name], places, damage });
        };
        // That a witness once spoke cannot be seen where its word is gone; nor is it damage to the journal.
        if table.name != COSIGNATURES.name {
            push("removed", format!("delete from {} where {}", table.name, table.is(row)), self.places(table, row));
        }
        let (added, places) = self.another(table, row, chance);
        push("added", table.insert(&added), places);
        push("twice", table.insert(row), self.places(table, row));
        let (other_at, other) = chance.of(rows);
        let values = |from: &Row| (table.key..row.len()).map(|at| (at, from[at].clone())).collect::<Vec<_>>();
        if other_at != at && values(row) != values(other) {
            let places = self.places(table, row).into_iter().chain(self.places(table, other)).collect();
            let kind = named::exchange(table, [row, other].map(|row| row[0].parse().ok()), self.positions.len() as u64);
            push(kind, format!("{}; {}", table.set(row, &values(other)), table.set(other, &values(row))), places);
        }
    }

    /// A row like this one under a key that is free.
    fn another(&self, table: &Table, row: &Row, chance: &mut Chance) -> (Row, Vec<Where>) {
        let mut added = row.clone();
        match table.name {
            "journal_entries" | "journal_sealed" => {
                let mut id = text(&row[0]);
                id.truncate(20);
                added[0] = format!("'{id}{:010}'", chance.below(1_000_000_000));
            }
            "journal_pending" => {
                // Somebody who has a position already.
                let (_, placed) = chance.of(&self.rows[POSITIONS.name]);
                added[0].clone_from(&placed[1]);
            }
            "erasures" => added[0] = format!("'cit_{:026}'", chance.below(1_000_000_000)),
            "journal_positions" => added[0] = (self.positions.len() as u64 + chance.below(50)).to_string(),
            "journal_tiles" => added[1] = (4 + chance.below(50)).to_string(),
            _ => added[0] = (row[0].parse::<u64>().unwrap() + 1 + chance.below(5)).to_string(),
        }
        let mut places = self.places(table, &added);
        if table.name == POSITIONS.name {
            places.push(Where::Position(added[0].parse().unwrap()));
            // Or by the hole that it leaves before itself.
            places.push(Where::Position(self.positions.len() as u64));
        }
        (added, places)
    }

    /// An entry is replaced, and so is every hash that follows from it, up to a point: the signature is where it ends.
    fn computed_anew(&self, chance: &mut Chance, acts: &mut Vec<Act>) {
        let (_, row) = chance.of(&self.rows[ENTRIES.name]);
        let Some(position) = self.positions.get(&text(&row[0])).copied() else { return };
        let anew = self.anew(position);
        for reach in 1..=4 {
            let steps = anew.steps(&self.hand, self, reach);
            let what = format!("the entry at {position} and {reach} hashes above it computed anew");
            let tables = vec![ENTRIES.name, TILES.name, CHECKPOINTS.name];
            let mut places = vec![Where::Position(position), Where::Entry(text(&row[0]))];
            places.push(Where::Row(format!("tile 0/{}", position / 256)));
            let damage = Some(Damage::Altered);
            acts.push(Act { what, kind: "computed anew", sql: steps, tables, places, damage });
        }
    }

    /// The journal with another entry at a position.
    fn anew(&self, position: u64) -> Anew {
        let mut entries: Vec<(u64, &Row)> = self.rows[ENTRIES.name]
            .iter()
            .filter_map(|row| Some((*self.positions.get(&text(&row[0]))?, row)))
            .collect();
        entries.sort_by_key(|(at, _)| *at);
        let (mut edge, mut tiles, mut roots) = (Edge::default(), Vec::new(), BTreeMap::new());
        let mut changed = None;
        for (at, row) in entries {
            let (mut clear, commitment) = (unhex(&row[8]), unhex(&row[9]).try_into().unwrap());
            if at == position {
                // A use that never was: the last digit of the instant.
                let at = clear.windows(6).position(|six| six == b"\"at\":\"").unwrap() + 6;
                let digit = at + clear[at..].windows(2).position(|pair| pair == b"Z\"").unwrap() - 1;
                clear[digit] = if clear[digit] == b'7' { b'8' } else { b'7' };
                changed = Some((row.clone(), clear.clone()));
            }
            edge.push(leaf_hash(&clear, &commitment), |tile, hashes| tiles.push((tile, hashes.to_vec())));
            roots.insert(edge.size(), edge.root());
        }
        let (row, clear) = changed.unwrap();
        let leaf = leaf_hash(&clear, &unhex(&row[9]).try_into().unwrap());
        let tiles = tiles.into_iter().filter(|(tile, _)| tile.row == TileRow::Hashes(0));
        let tile = tiles.map(|(tile, hashes)| (tile.index, hashes)).find(|(index, _)| *index == position / 256);
        Anew { row, clear, leaf, tile, roots, position }
    }

    /// An entry that is signed already gets the next position too, as if it had just been given.
    fn placed_again(&self, acts: &mut Vec<Act>) {
        let end = self.positions.len() as u64;
        let mut row = self.rows[POSITIONS.name][254].clone();
        row[0] = end.to_string();
        acts.push(Act {
            what: format!("{} row 254 at {end} too", POSITIONS.name),
            kind: "added",
            sql: POSITIONS.insert(&row),
            tables: vec![POSITIONS.name],
            places: vec![Where::Position(end)],
            damage: Some(Damage::Added),
        });
    }

    /// A table is what it was once: its end is gone, from a row on.
    fn cut_short(&self, acts: &mut Vec<Act>) {
        // What a witness once said, and says no more, is no damage to the journal.
        for table in TABLES.iter().filter(|table| table.name != COSIGNATURES.name) {
            let rows = &self.rows[table.name];
            for keep in BTreeSet::from([0, rows.len() / 3, rows.len() - 1]) {
                let gone = &rows[keep..];
                let mut places: Vec<Where> = gone.iter().flat_map(|row| self.places(table, row)).collect();
                places.push(Where::Row(table.name.to_owned()));
                if table.name == POSITIONS.name {
                    places.push(Where::From(keep as u64));
                }
                let deletes = gone.iter().map(|row| format!("delete from {} where {}", table.name, table.is(row)));
                acts.push(Act {
                    what: format!("{} cut after {keep} of {}", table.name, rows.len()),
                    kind: "rolled back",
                    sql: deletes.collect::<Vec<_>>().join("; "),
                    tables: vec![table.name],
                    places,
                    damage: named::row(table.name, "rolled back").filter(|_| self.is_missed(table, gone)),
                });
            }
        }
    }

    /// Replaces an entry, computes everything anew and signs it, as whoever has the key can.
    pub(super) fn signs_anew(&mut self, signer: &Signer) {
        let anew = self.anew(500);
        let mut steps = anew.steps(&self.hand, self, 4);
        for row in &self.rows[CHECKPOINTS.name] {
            let size: u64 = row[0].parse().unwrap();
            let root = anew.roots[&size];
            let at = text(&row[2].replace("::timestamp", "")).replace(' ', "T");
            let at = chrono::NaiveDateTime::parse_from_str(&at, "%Y-%m-%dT%H:%M:%S%.f").unwrap().and_utc().timestamp();
            let origin = signer.verifier().name().to_owned();
            let note = Checkpoint { origin, size, root, extensions: Vec::new() };
            let note = note.sign(signer, u64::try_from(at).unwrap());
            steps += "; ";
            steps += &CHECKPOINTS.set(row, &[(3, format!("'{note}'"))]);
        }
        steps.push_str("; delete from journal_cosignatures; ");
        let clear = String::from_utf8(anew.clear.clone()).unwrap();
        let at = clear.split("\"at\":\"").nth(1).unwrap().split('Z').next().unwrap().replace('T', " ");
        steps += &["update journal_entries set at = '", &at, "' where ", &ENTRIES.is(&anew.row)].concat();
        self.hand.does(&steps);
    }

    /// Takes all tables back to what they were; answers how many entries there are then.
    pub(super) fn rolls_back(&mut self, at_most: u64) -> u64 {
        let sizes = self.rows[CHECKPOINTS.name].iter().map(|row| row[0].parse::<u64>().unwrap());
        let size = sizes.filter(|size| *size <= at_most).max().unwrap();
        self.hand.does(&format!(
            "delete from journal_pending; delete from journal_cosignatures; delete from journal_timestamps where size >= {size}; delete from journal_checkpoints where size > {size}; \
             delete from journal_tiles where (number + 1) * 256 > {size}; delete from journal_positions where position >= {size}; \
             delete from journal_sealed where entry not in (select entry from journal_positions); \
             delete from journal_entries where id not in (select entry from journal_positions); \
             delete from journal_search; delete from journal_terms; delete from journal_days; update journal_digest set settled = ''"
        ));
        size
    }
}

/// A journal in which one entry is another.
struct Anew {
    row: Row,
    clear: Vec<u8>,
    leaf: Hash,
    tile: Option<(u64, Vec<Hash>)>,
    roots: BTreeMap<u64, Hash>,
    position: u64,
}

impl Anew {
    /// The statements: the entry with its leaf, the hashes of its tile, the root of the tile, the roots in the table of checkpoints.
    fn steps(&self, hand: &Hand, scene: &Scene, reach: usize) -> String {
        let mut steps = vec![ENTRIES.set(&self.row, &[(8, hand.bytes(&self.clear)), (10, hand.bytes(&self.leaf))])];
        if let Some((index, hashes)) = &self.tile {
            let row: Row = scene.rows[TILES.name].iter().find(|row| row[1] == index.to_string()).unwrap().clone();
            let root = mandataire::journal::tree::fold(hashes).unwrap();
            if reach > 1 {
                steps.push(TILES.set(&row, &[(3, hand.bytes(&hashes.concat()))]));
            }
            if reach > 2 {
                steps.push(TILES.set(&row, &[(2, hand.bytes(&root))]));
            }
        }
        if reach > 3 {
            let later =
                scene.rows[CHECKPOINTS.name].iter().filter(|row| row[0].parse::<u64>().unwrap() > self.position);
            steps.extend(later.map(|row| {
                let root = self.roots[&row[0].parse::<u64>().unwrap()];
                CHECKPOINTS.set(row, &[(1, hand.bytes(&root))])
            }));
        }
        steps.join("; ")
    }
}
