//! Three years of a journal, made by SQL: skewed as work is, with words that are common, rare, and never together.

use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Binary};
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl as _, SqliteConnection, define_sql_function};
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure;
use mandataire::domain::{Instant, civil};
use mandataire::journal::leaf::{NOTHING_SEALED, leaf_hash};
use mandataire::store::Location;

use crate::Outcome;

/// Entries of one statement.
const BATCH: i64 = 200_000;
/// The first instant, in milliseconds: 1 December 2023.
const START: i64 = 1_701_388_800_000;
/// Three years.
const SPAN: i64 = 94_608_000_000;

/// Entries that these many organisations, mediators and persons leave. A larger journal is one of more of them, each as busy as before;
/// services, procedures and kinds are the same in all.
const UNIT: i64 = 1_000_000;
/// Entries of the one person who has a great many.
const GREAT_MANY: i64 = 7_000;

/// How many of each in a unit, and the first number of each in the list of words.
pub(crate) const ORGANISATIONS: (i64, i64) = (400, 100_000);
pub(crate) const ACTORS: (i64, i64) = (6_000, 1_000_000);
pub(crate) const CLIENTS: (i64, i64) = (40, 9_000);
pub(crate) const PROCEDURES: i64 = 9_500;
pub(crate) const CITIZENS: (i64, i64) = (UNIT / 60, 10_000_000);
pub(crate) const MANDATES: (i64, i64) = (CITIZENS.0 * 2, 40_000_000);

/// The last instant.
pub(crate) fn last() -> Instant {
    Instant::from_timestamp_millis(START + SPAN).unwrap_or_default()
}

/// How many units a journal of so many entries has.
const fn units(entries: i64) -> i64 {
    if entries < UNIT { 1 } else { entries / UNIT }
}

/// Kinds of acts: the last of the hundredths they have, and whether they have an organisation, a client and a procedure.
const KINDS: [(Kind, i64, [bool; 3]); 14] = [
    (Kind::Use, 22, [true, true, true]),
    (Kind::OutcomeRecorded, 40, [true, true, true]),
    (Kind::CitizenRead, 55, [true, false, false]),
    (Kind::MandateRead, 66, [true, false, false]),
    (Kind::SignedIn, 74, [false, false, false]),
    (Kind::CodeAccepted, 82, [false, false, false]),
    (Kind::SignedOut, 86, [false, false, false]),
    (Kind::MandateOpened, 90, [true, false, false]),
    (Kind::AgreementGiven, 94, [true, false, false]),
    (Kind::CitizenIdentified, 97, [true, false, false]),
    (Kind::AuthorisationReplaced, 98, [true, false, true]),
    (Kind::AuthorisationRevoked, 99, [true, false, true]),
    (Kind::UseRefused, 100, [true, true, true]),
    // One entry in ten thousand, below.
    (Kind::CodeReplayed, 101, [true, true, true]),
];

fn number(kind: Kind) -> usize {
    Kind::ALL.iter().position(|one| *one == kind).map_or(0, |at| at + 1)
}

/// A number below 2^20, as by chance, from `i`.
fn chance(multiplier: u64, more: u64) -> String {
    format!("(((i * {multiplier} + {more}) / 4096) % 1048576)")
}

/// One of `count`, the first ones much more often: `power` times a number by chance with itself.
fn skewed(count: i64, chance: &str, power: usize) -> String {
    let product = (1..power).fold(chance.to_owned(), |text, _| format!("({text} * {chance} / 1048576)"));
    format!("({count} * {product} / 1048576)")
}

/// The rows from `first` to `last`, with all that an entry is found by.
fn rows(first: i64, last: i64, entries: i64, postgres: bool) -> String {
    let [for_actor, for_citizen, for_client, for_procedure] = [
        chance(2_654_435_761, 12_345),
        chance(2_246_822_519, 374_761),
        chance(3_266_489_917, 668_265),
        chance(668_265_263, 99),
    ];
    let series = if postgres {
        format!("select i from generate_series({first}::bigint, {last}::bigint) as s(i)")
    } else {
        format!(
            "with recursive s(i) as (select {first} union all select i + 1 from s where i < {last}) select i from s"
        )
    };
    let kinds = |has: Option<usize>| {
        KINDS.iter().fold(String::from("case"), |text, (kind, until, fields)| {
            let value = has.map_or_else(
                || number(*kind).to_string(),
                |at| i32::from(fields.get(at).is_some_and(|has| *has)).to_string(),
            );
            format!("{text} when h < {until} then {value}")
        }) + " else 0 end"
    };
    let ms = format!("({START} + i * {SPAN} / {entries})");
    // Most work is done by few; one act in a hundred is in another organisation than usual.
    let (actor, client) = (skewed(ACTORS.0, &for_actor, 3), skewed(CLIENTS.0, &for_client, 4));
    let procedure = skewed(10, &for_procedure, 2);
    // Sixty entries each, and one person with a great many.
    let often = (entries / GREAT_MANY).max(1);
    let unit = format!("(case when i % {often} = 0 then 0 else i % {} end)", units(entries));
    let citizen = format!("(case when i % {often} = 0 then 0 else {} end)", skewed(CITIZENS.0, &for_citizen, 1));
    let (bigint, h) = ("bigint", "case when i % 10007 = 0 then 100 else (i * 7919 + i / 100) % 100 end");
    format!(
        "select i, ms, {kind} as kind, \
         case when {organisation} = 1 then (actor * 7 + (case when i % 101 = 0 then i else 0 end)) % {organisations} \
         + unit * {organisations} + {org0} end as organisation, \
         unit * {actors} + actor + {actor0} as actor, case when {organisation} = 1 then unit * {citizens} + citizen + {citizen0} end as citizen, \
         case when {organisation} = 1 then (unit * {citizens} + citizen) * 2 + (i / 64) % 2 + {mandate0} end as mandate, \
         case when {has_client} = 1 then client + {client0} end as client, \
         case when {has_procedure} = 1 then procedure + {PROCEDURES} end as procedure \
         from (select i, {unit} as unit, {ms} as ms, cast({h} as {bigint}) as h, {actor} as actor, {client} as client, {procedure} as procedure, \
         {citizen} as citizen from ({series}) as numbers) as acts",
        kind = kinds(None),
        organisation = kinds(Some(0)),
        has_client = kinds(Some(1)),
        has_procedure = kinds(Some(2)),
        organisations = ORGANISATIONS.0,
        org0 = ORGANISATIONS.1,
        actors = ACTORS.0,
        actor0 = ACTORS.1,
        citizens = CITIZENS.0,
        citizen0 = CITIZENS.1,
        mandate0 = MANDATES.1,
        client0 = CLIENTS.1,
    )
}

/// The identifier of row `i`: its milliseconds, and its number in place of chance, in Crockford's base 32.
fn identifier() -> String {
    let digit = |value: &str, shift: u32| {
        format!(
            "substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', cast(({value} / {}) % 32 as integer) + 1, 1)",
            1_i64 << shift
        )
    };
    let time: Vec<_> = (0..9).rev().map(|at| digit("ms", at * 5)).collect();
    let chance: Vec<_> = (0..4).rev().map(|at| digit("(i % 1048576)", at * 5)).collect();
    format!("'ent_0' || {} || {} || '000000000000'", time.join(" || "), chance.join(" || "))
}

/// A number as an identifier; nothing where there is none.
fn named(prefix: &str, number: &str, postgres: bool) -> String {
    // PostgreSQL counts from the end with another word.
    if postgres {
        format!("'{prefix}' || lpad({number}::text, 26, '0')")
    } else {
        format!("'{prefix}' || substr('00000000000000000000000000' || {number}, -26)")
    }
}

/// Rows with what their entries say, word by word.
fn told(rows: &str, postgres: bool) -> String {
    let codes = KINDS.iter().fold(String::from("case kind"), |text, (kind, ..)| {
        format!("{text} when {} then '{}'", number(*kind), kind.code())
    });
    let procedures = Procedure::ALL
        .iter()
        .zip(PROCEDURES..)
        .fold(String::from("case procedure"), |text, (one, at)| format!("{text} when {at} then '{}'", one.key()));
    let (at, said, client) = if postgres {
        let at = "to_timestamp(ms / 1000.0) at time zone 'UTC'";
        (at.to_owned(), format!("to_char({at}, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS')"), "client::text")
    } else {
        let at = |form: &str| format!("strftime('{form}', ms / 1000.0, 'unixepoch')");
        (at("%Y-%m-%d %H:%M:%f"), at("%Y-%m-%dT%H:%M:%f"), "cast(client as text)")
    };
    let of = |prefix, field| named(prefix, field, postgres);
    format!(
        "select {id} as id, {at} as at, {said} || '000Z' as said, {codes} end as kind, {procedures} end as procedure, {client} as client, \
         {} as actor, {} as organisation, {} as citizen, {} as mandate from ({rows}) as made",
        of("acc_", "actor"),
        of("org_", "organisation"),
        of("cit_", "citizen"),
        of("mdt_", "mandate"),
        id = identifier(),
    )
}

/// What an entry says, in its one form.
fn clear() -> String {
    let member = |name: &str| format!("coalesce(',\"{name}\":\"' || {name} || '\"', '')");
    let [citizen, client, mandate, organisation, procedure] =
        ["citizen", "client", "mandate", "organisation", "procedure"].map(member);
    format!(
        "'{{\"actor\":\"' || actor || '\",\"at\":\"' || said || '\"' || {citizen} || {client} || ',\"id\":\"' || id || \
         '\",\"kind\":\"' || kind || '\"' || {mandate} || {organisation} || {procedure} || '}}'"
    )
}

/// The entries of rows, nothing of them sealed.
fn entries_of(rows: &str, postgres: bool) -> String {
    let (bytes, leaf) = if postgres {
        (format!("convert_to({}, 'UTF8')", clear()), "sha256('\\x00'::bytea || clear || zeros)")
    } else {
        (format!("cast({} as blob)", clear()), "leaf(clear)")
    };
    let zeros = if postgres { format!("'\\x{}'::bytea", "00".repeat(32)) } else { "zeroblob(32)".to_owned() };
    format!(
        "insert into journal_entries (id, at, kind, organisation, actor, citizen, mandate, client, clear, commitment, leaf) \
         select id, at, kind, organisation, actor, citizen, mandate, client, clear, zeros, {leaf} \
         from (select told.*, {bytes} as clear, {zeros} as zeros from ({}) as told) as entries;",
        told(rows, postgres)
    )
}

/// The figures of each day, one after the other: so an index leads to its entries.
fn figures() -> Vec<String> {
    let (first, last) = (Instant::from_timestamp_millis(START).unwrap_or_default(), last());
    let place = |day| civil::begins(day, civil::FIGURES).timestamp_millis() << 21;
    let of = |day: i32| {
        let terms = [("0", ""), ("organisation", ", 1"), ("actor", ", 1"), ("client", ", 1"), ("procedure", ", 1")];
        terms.map(|(term, group)| {
            format!(
                "insert into journal_days (term, day, kind, entries) select {term}, {day}, kind, count(*) from journal_search \
                 where n >= {} and n < {} and {term} is not null group by kind{group};",
                place(day),
                place(day + 1)
            )
        })
    };
    (civil::day(first, civil::FIGURES)..=civil::day(last, civil::FIGURES)).flat_map(of).collect()
}

fn words(entries: i64, postgres: bool) -> Vec<String> {
    let mut all = Vec::new();
    let insert =
        |number: String, term: String| format!("insert into journal_terms (number, term) values ({number}, '{term}');");
    for kind in Kind::ALL {
        all.push(insert(number(*kind).to_string(), format!("kind:{}", kind.code())));
    }
    for (at, one) in Procedure::ALL.iter().enumerate() {
        all.push(insert((PROCEDURES + i64::try_from(at).unwrap_or(0)).to_string(), format!("procedure:{}", one.key())));
    }
    let identifier = |prefix| named(prefix, "i", postgres);
    for ((count, first), times, term) in [
        (ORGANISATIONS, units(entries), identifier("org_")),
        (ACTORS, units(entries), identifier("acc_")),
        (CLIENTS, 1, "'client:' || i".to_owned()),
        (CITIZENS, units(entries), identifier("cit_")),
        (MANDATES, units(entries), identifier("mdt_")),
    ] {
        let last = first + count * times - 1;
        let series = if postgres {
            format!("select i from generate_series({first}, {last}) as s(i)")
        } else {
            format!(
                "with recursive s(i) as (select {first} union all select i + 1 from s where i < {last}) select i from s"
            )
        };
        all.push(format!("insert into journal_terms (number, term) select i, {term} from ({series}) as numbers;"));
    }
    all
}

fn statements(entries: i64, postgres: bool) -> Vec<String> {
    let mut all = words(entries, postgres);
    for first in (0..entries).step_by(usize::try_from(BATCH).unwrap_or(1)) {
        let last = (first + BATCH).min(entries) - 1;
        let rows = rows(first, last, entries, postgres);
        all.push(format!(
            "insert into journal_search (n, entry, kind, organisation, actor, citizen, mandate, client, procedure) \
             select ms * 2097152 + i % 1048576 * 2, {}, kind, organisation, actor, citizen, mandate, client, procedure from ({rows}) as made;",
            identifier()
        ));
        all.push(entries_of(&rows, postgres));
    }
    all.push(format!("analyze; begin; {} commit;", figures().concat()));
    all
}

#[derive(QueryableByName)]
struct Size {
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

define_sql_function! {
    /// The leaf hash of a clear part with which nothing is sealed.
    fn leaf(clear: Binary) -> Binary;
}

/// Makes the entries, and what they are found by.
pub(crate) fn fill(location: &Location, entries: i64) -> Outcome<()> {
    match location {
        Location::Sqlite(file) => {
            let mut connection = SqliteConnection::establish(file)?;
            leaf_utils::register_impl(&mut connection, |clear: Vec<u8>| leaf_hash(&clear, &NOTHING_SEALED).to_vec())?;
            connection.batch_execute("pragma synchronous = off; pragma cache_size = -400000;")?;
            statements(entries, false).iter().try_for_each(|sql| connection.batch_execute(sql))?;
        }
        Location::Postgres(url) => {
            let mut connection = PgConnection::establish(url)?;
            connection.batch_execute("set synchronous_commit = off")?;
            statements(entries, true).iter().try_for_each(|sql| connection.batch_execute(sql))?;
        }
    }
    Ok(())
}

/// All entries have their positions: the copy says that it holds them. Answers how many bytes everything takes.
pub(crate) fn settle(location: &Location) -> Outcome<u64> {
    let settled = "update journal_digest set settled = \
                   (select max(position) + 1 from journal_positions) || ' ' || (select max(id) from journal_entries)";
    let bytes = match location {
        Location::Sqlite(file) => {
            let mut connection = SqliteConnection::establish(file)?;
            // Whoever signed may still be closing the file.
            connection.batch_execute("pragma busy_timeout = 30000")?;
            connection.batch_execute(settled)?;
            connection.batch_execute("pragma wal_checkpoint(truncate)")?;
            return Ok(std::fs::metadata(file)?.len());
        }
        Location::Postgres(url) => {
            let mut connection = PgConnection::establish(url)?;
            connection.batch_execute(settled)?;
            connection.batch_execute("vacuum analyze")?;
            let size: Size = diesel::sql_query("select pg_database_size(current_database()) as bytes")
                .get_result(&mut connection)?;
            size.bytes
        }
    };
    Ok(u64::try_from(bytes)?)
}
