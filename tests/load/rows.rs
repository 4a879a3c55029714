//! The rows that opening a first mandate with two procedures writes, for the floors: the same tables, columns and widths, without
//! any of the rules. `rows_are_those_of_an_opening` counts them against a real opening.

use crate::people;

/// A value of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value {
    /// A new identifier of a kind; rows of one kind are told apart by the number.
    New(&'static str, usize),
    /// The mediator's account, authenticator, session, organisation.
    Account,
    Authenticator,
    Session,
    Organisation,
    /// So many bytes.
    Bytes(usize),
    /// So many bytes that no other row has.
    Unique(usize, usize),
    /// Words.
    Text(&'static str),
    /// Characters that no other row has.
    Token,
    Number(i32),
    /// The present.
    Now,
}

/// A row: inserted, or changed where its identifier is `changed`.
pub(crate) struct Row {
    pub(crate) table: &'static str,
    pub(crate) changed: Option<Value>,
    pub(crate) columns: Vec<(&'static str, Value)>,
}

/// What an identifier looks like between its kind and its number.
pub(crate) fn prefix_of(value: Value, session: &str) -> String {
    match value {
        Value::Account => people::prefix(people::account(0).as_str()).to_owned(),
        Value::Authenticator => people::prefix(people::authenticator(0).as_str()).to_owned(),
        Value::Organisation => people::prefix(people::organisation(0).as_str()).to_owned(),
        _ => people::prefix(session).to_owned(),
    }
}

const CITIZEN: Value = Value::New("cit", 0);
const MANDATE: Value = Value::New("mdt", 0);
const DRAFT: Value = Value::New("drf", 0);
/// Beginnings of names in the search index, on average.
const BEGINNINGS: usize = 10;

fn insert(table: &'static str, columns: &[(&'static str, Value)]) -> Row {
    Row { table, changed: None, columns: columns.to_vec() }
}

/// All of them, in an order that the references allow.
pub(crate) fn of_an_opening() -> Vec<Row> {
    let mut rows = vec![
        insert(
            "person_keys",
            &[
                ("owner", CITIZEN),
                ("wrapped", Value::Bytes(60)),
                ("master_version", Value::Number(1)),
                ("created_at", Value::Now),
            ],
        ),
        insert(
            "citizens",
            &[
                ("id", CITIZEN),
                ("issuer", Value::Text("http://127.0.0.1:40000/api/v2")),
                ("sub_index", Value::Unique(32, 0)),
                ("subject", Value::Token),
                ("identity", Value::Bytes(226)),
                ("created_at", Value::Now),
            ],
        ),
        insert(
            "drafts",
            &[
                ("id", DRAFT),
                ("account", Value::Account),
                ("session", Value::Session),
                ("organisation", Value::Organisation),
                ("procedures", Value::Text("logement argent")),
                ("term", Value::Text("month")),
                ("created_at", Value::Now),
                ("stage", Value::Text("opened")),
                ("citizen", CITIZEN),
                ("identity", Value::Bytes(226)),
                ("agreement_hash", Value::Unique(32, 0)),
                ("mandate", MANDATE),
            ],
        ),
        insert(
            "mandates",
            &[
                ("id", MANDATE),
                ("organisation", Value::Organisation),
                ("citizen", CITIZEN),
                ("draft", DRAFT),
                ("opened_by", Value::Account),
                ("opened_at", Value::Now),
                ("expires_at", Value::Now),
                ("term", Value::Text("month")),
                ("document", Value::Bytes(32)),
            ],
        ),
    ];
    rows.extend(["logement", "argent"].into_iter().enumerate().map(|(at, procedure)| authorisation(at, procedure)));
    rows.extend((0..BEGINNINGS).map(|at| {
        let columns = [("organisation", Value::Organisation), ("token", Value::Unique(16, at)), ("citizen", CITIZEN)];
        insert("citizen_search", &columns)
    }));
    rows.extend(papers());
    rows.extend(KINDS.into_iter().enumerate().flat_map(|(at, (kind, clear))| entry(at, kind, clear)));
    rows.push(Row {
        table: "authenticators",
        changed: Some(Value::Authenticator),
        columns: vec![("last_step", Value::Number(1)), ("failures", Value::Number(0))],
    });
    rows.push(Row {
        table: "sessions",
        changed: Some(Value::Session),
        columns: vec![("seen_at", Value::Now), ("code_at", Value::Now)],
    });
    rows
}

fn authorisation(at: usize, procedure: &'static str) -> Row {
    insert(
        "authorisations",
        &[
            ("id", Value::New("aut", at)),
            ("mandate", MANDATE),
            ("organisation", Value::Organisation),
            ("citizen", CITIZEN),
            ("procedure", Value::Text(procedure)),
        ],
    )
}

fn papers() -> [Row; 3] {
    [
        insert(
            "agreements",
            &[
                ("id", Value::New("agr", 0)),
                ("mandate", MANDATE),
                ("given_at", Value::Now),
                ("method", Value::Text("in_person")),
                ("language", Value::Text("fr")),
                ("text", Value::Bytes(886)),
                ("digest", Value::Bytes(32)),
            ],
        ),
        insert(
            "documents",
            &[
                ("mandate", MANDATE),
                ("version", Value::Text("2026-11")),
                ("text", Value::Bytes(1_341)),
                ("digest", Value::Bytes(32)),
            ],
        ),
        insert(
            "holdings",
            &[
                ("organisation", Value::Organisation),
                ("citizen", CITIZEN),
                ("last_opened_at", Value::Now),
                ("active_until", Value::Now),
                ("last_end", Value::Now),
            ],
        ),
    ]
}

/// The entries that an opening leaves, and how long their clear parts are.
const KINDS: [(&str, usize); 4] =
    [("citizen_identified", 275), ("agreement_given", 357), ("code_accepted", 180), ("mandate_opened", 477)];

fn entry(at: usize, kind: &'static str, clear: usize) -> Vec<Row> {
    let id = Value::New("ent", at);
    let mut columns = vec![("id", id), ("at", Value::Now), ("kind", Value::Text(kind))];
    match kind {
        "code_accepted" => columns.push(("actor", Value::Account)),
        "agreement_given" => columns.extend([("organisation", Value::Organisation), ("citizen", CITIZEN)]),
        _ => columns.extend([("organisation", Value::Organisation), ("actor", Value::Account), ("citizen", CITIZEN)]),
    }
    columns.extend([("clear", Value::Bytes(clear)), ("commitment", Value::Bytes(32)), ("leaf", Value::Bytes(32))]);
    let sealed = match kind {
        "mandate_opened" => 231,
        "agreement_given" => 110,
        _ => return vec![insert("journal_entries", &columns)],
    };
    if kind == "mandate_opened" {
        columns.push(("mandate", MANDATE));
    }
    let sealed = [("entry", id), ("owner", CITIZEN), ("salt", Value::Bytes(32)), ("ciphertext", Value::Bytes(sealed))];
    vec![insert("journal_entries", &columns), insert("journal_sealed", &sealed)]
}
