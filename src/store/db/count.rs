//! How often the database is asked: on PostgreSQL, each statement is a journey to the server and back.

use diesel::connection::InstrumentationEvent;

/// Counts a statement, whatever comes of it.
#[expect(clippy::needless_pass_by_value, reason = "the shape that diesel asks for")]
pub(super) fn statement(event: InstrumentationEvent<'_>) {
    if matches!(event, InstrumentationEvent::StartQuery { .. }) {
        metrics::counter!("database_statements_total").increment(1);
    }
}

/// Counts a transaction that is kept. On SQLite one of them may hold what many requests wrote.
pub(super) fn commit() {
    metrics::counter!("database_commits_total").increment(1);
}
