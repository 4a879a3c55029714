//! What the operator does beside a story: accounts, organisations, authenticators.

use mandataire::store::{Error, accounts, authenticators, organisations, sessions};

use super::World;
use super::actor::Actor;

impl World {
    /// Deactivates somebody, as the command line does.
    pub(crate) async fn deactivates(&self, actor: &Actor) {
        let (id, now) = (actor.account.clone(), self.now());
        let done = self.app.store.write(move |tx| {
            let account = accounts::find(tx, &id)?;
            sessions::end_all(tx, &id, now)?;
            accounts::save(tx, account.deactivate(now))
        });
        done.await.expect("the account is deactivated");
    }

    /// Suspends the usual organisation.
    pub(crate) async fn suspends_the_organisation(&self) {
        let (id, now) = (self.organisation.clone(), self.now());
        let done = self.app.store.write(move |tx| {
            let organisation = organisations::find(tx, &id)?;
            organisations::save(tx, organisation.suspend(None, now))
        });
        done.await.expect("the organisation is suspended");
    }

    /// Releases somebody's locked authenticator.
    pub(crate) async fn releases(&self, actor: &Actor) {
        let (id, now) = (actor.account.clone(), self.now());
        let done = self.app.store.write(move |tx| {
            let (device, _) = authenticators::confirmed_locked(tx, &id)?.ok_or(Error::NotFound)?;
            authenticators::save(tx, device.release(now))
        });
        done.await.expect("the authenticator is released");
    }

    /// How many rows a table holds, of those that fit a condition in SQL.
    pub(crate) fn rows(&self, table: &str, condition: &str) -> i64 {
        let sql = format!("select cast(count(*) as text) as value from {table} where {condition}");
        self.database.texts(&sql).first().and_then(|text| text.parse().ok()).expect("a count")
    }
}
