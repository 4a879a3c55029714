//! Every reading of an auditor: the copy is brought up to date, what is asked for is read, and nothing is shown unless that is recorded.

use super::pages::Head;
use crate::domain::Instant;
use crate::domain::auditor::Auditor;
use crate::domain::event::Event;
use crate::store::audit::{self, Coverage, Pending};
use crate::store::sessions::Session;
use crate::store::{Db, journal};
use crate::web::problem::Problem;
use crate::web::screen::Screen;
use crate::web::state::App;

/// Reads, and records it.
///
/// # Errors
/// Whatever the reading answers; the database.
pub async fn recorded<T, F>(app: &App, session: &Session, event: Event, read: F) -> Result<(T, Coverage), Problem>
where
    T: Send + 'static,
    F: FnOnce(&mut Db<'_>) -> Result<T, Problem> + Send + 'static,
{
    audit::catch_up(&app.store, app.clock.now()).await?;
    // A long search does not hold up those who write.
    let (trust, now) = (app.trust.clone(), app.clock.now());
    let found = app.store.read(move |db| Ok::<_, Problem>((read(db)?, audit::coverage(db, &trust, now)?))).await?;
    let event = under(session, event);
    app.store.write(move |tx| journal::record(tx, &event).map(drop).map_err(Problem::from)).await?;
    Ok(found)
}

/// A reading under the purpose that was declared in its session.
#[must_use]
pub fn under(session: &Session, event: Event) -> Event {
    match &session.purpose {
        Some(purpose) => event.fact("declared", purpose.entry.as_str()),
        None => event,
    }
}

/// How far everything goes, where nothing of the journal is read.
///
/// # Errors
/// The database.
pub async fn coverage(app: &App) -> Result<Coverage, Problem> {
    let (trust, now) = (app.trust.clone(), app.clock.now());
    app.store.read(move |db| audit::coverage(db, &trust, now).map_err(Problem::from)).await
}

/// The auditor of a session.
///
/// # Errors
/// They are none.
pub fn auditor(session: &Session) -> Result<Auditor, Problem> {
    Ok(Auditor::new(&session.account)?)
}

/// The head of every page: why it is read, and how much of the journal it shows.
#[must_use]
pub fn head(coverage: &Coverage, session: &Session, screen: &Screen) -> Head {
    let t = screen.t();
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    match &coverage.newest {
        Some((_, at)) => {
            known.push(t.coverage_newest(screen.moment(*at).precise()));
            known.extend(searched(coverage, *at, screen));
        }
        None => known.push(t.coverage_empty().to_owned()),
    }
    match coverage.position {
        Some(position) => known.push(t.coverage_position(position)),
        None => unknown.push(t.coverage_no_position()),
    }
    match coverage.pending {
        Some(Pending { count, or_more: false }) => known.push(t.coverage_pending(count)),
        Some(Pending { count, or_more: true }) => known.push(t.coverage_pending_more(count)),
        None => unknown.push(t.coverage_no_pending()),
    }
    match coverage.witnessed_to {
        Some(to) => known.push(t.coverage_witnessed(screen.moment(to).precise())),
        None if coverage.has_witnesses => known.push(t.coverage_unwitnessed().to_owned()),
        None => unknown.push(t.coverage_no_witness()),
    }
    let silent = coverage.silent.iter();
    known.extend(silent.map(|(name, since)| t.coverage_silent(name, screen.moment(*since).precise())));
    match coverage.erased {
        Some(erased) => known.push(t.coverage_erased(erased)),
        None => unknown.push(t.coverage_no_erased()),
    }
    let unknown = (!unknown.is_empty()).then(|| t.coverage_unknown(unknown.join(", ")));
    let purpose = session.purpose.as_ref().map(|declared| declared.text.clone()).unwrap_or_default();
    Head { purpose, known, unknown }
}

/// How much of it searches and figures cover: where there is a tree, up to which position; else up to which instant.
fn searched(coverage: &Coverage, newest: Instant, screen: &Screen) -> Option<String> {
    let t = screen.t();
    let Some(last) = coverage.position else {
        let to = coverage.searched_to?;
        let is_whole = to.timestamp_millis() >= newest.timestamp_millis();
        return Some(if is_whole {
            t.coverage_complete().to_owned()
        } else {
            t.coverage_searched(screen.moment(to).precise())
        });
    };
    Some(match coverage.searched {
        Some(searched) if searched >= last => t.coverage_complete().to_owned(),
        Some(searched) => t.coverage_searched_position(searched),
        None => t.coverage_searched_nothing().to_owned(),
    })
}
