//! What was kept with a mandate when it was opened.

use diesel::prelude::*;

use crate::domain::Instant;
use crate::domain::digest::Digest;
use crate::domain::mandate::Mandate;
use crate::domain::mandate::document::Document;
use crate::store::schema::{agreements, documents};
use crate::store::vault::Place;
use crate::store::{Db, Error, person_keys, read_back};

pub(super) const fn document_place(row: &str) -> Place<'_> {
    Place { table: "documents", column: "text", row }
}

/// The document frozen when the mandate was opened.
///
/// # Errors
/// There is none, or it no longer has the digest it was frozen with.
pub fn document(db: &mut Db<'_>, mandate: &Mandate) -> Result<Document, Error> {
    let sealed: Vec<u8> = documents::table.find(mandate.id.as_str()).select(documents::body).first(db.connection()?)?;
    let key = person_keys::of(db, mandate.citizen.as_str())?;
    let plain = db.vault.open(&key, document_place(mandate.id.as_str()), &sealed)?;
    let text = String::from_utf8(plain.to_vec()).map_err(|_| Error::Corrupt("documents.text"))?;
    let digest = Digest::of(text.as_bytes());
    if digest == mandate.document { Ok(Document { text, digest }) } else { Err(Error::Corrupt("documents.digest")) }
}

/// When the citizen agreed.
///
/// # Errors
/// There is none.
pub fn agreed_at(db: &mut Db<'_>, mandate: &Mandate) -> Result<Instant, Error> {
    let agreement = agreements::table.filter(agreements::mandate.eq(mandate.id.as_str()));
    Ok(read_back(agreement.select(agreements::given_at).first(db.connection()?)?))
}
