//! Identifiers: a prefix that says the kind, then a ULID (48 bits of time, 80 random bits).

use std::fmt;
use std::str::FromStr;

use ulid::Ulid;

use super::Instant;

/// The text is not an identifier of the expected kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier of this kind")]
pub struct Malformed;

fn text(prefix: &str, at: Instant, random: u128) -> String {
    let milliseconds = u64::try_from(at.timestamp_millis()).unwrap_or(0);
    format!("{prefix}_{}", Ulid::from_parts(milliseconds, random))
}

/// Only the one canonical spelling is accepted, so that an identifier has a single form in logs, addresses and rows.
fn checked(prefix: &str, given: &str) -> Result<String, Malformed> {
    let body = given.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_')).ok_or(Malformed)?;
    let ulid = Ulid::from_string(body).map_err(|_| Malformed)?;
    if ulid.to_string() == body { Ok(given.to_owned()) } else { Err(Malformed) }
}

/// Whether a text has the form of an identifier, of whatever kind: three letters and a ULID.
#[must_use]
pub fn is_one(text: &str) -> bool {
    let prefix = text.split_once('_').map_or("", |(prefix, _)| prefix);
    prefix.len() == 3 && prefix.bytes().all(|byte| byte.is_ascii_lowercase()) && checked(prefix, text).is_ok()
}

/// Random bits of an identifier.
pub const CHANCE: u32 = 80;

/// The milliseconds since 1970 that an identifier begins with, and its random bits; nothing if it is none.
#[must_use]
pub fn parts(text: &str) -> Option<(u64, u128)> {
    let (_, body) = text.split_once('_')?;
    let ulid = Ulid::from_string(body).ok()?;
    Some((ulid.timestamp_ms(), ulid.random()))
}

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)+) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// A new identifier from the instant and 80 bits of randomness (the rest of `random` is ignored).
            #[must_use]
            pub fn new(at: Instant, random: u128) -> Self {
                Self(text($prefix, at, random))
            }

            /// Its text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Malformed;
            fn from_str(given: &str) -> Result<Self, Malformed> {
                checked($prefix, given).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+ };
}

id! {
    /// An accredited organisation.
    OrganisationId = "org";
    /// A person who signs in: mediator, manager, auditor. Pseudonymous: it stands for the person in the journal.
    AccountId = "acc";
    /// A citizen. Pseudonymous: it stands for the person in the journal.
    CitizenId = "cit";
    /// A draft of a mandate.
    DraftId = "drf";
    /// A mandate.
    MandateId = "mdt";
    /// One mandate × one procedure.
    AuthorisationId = "aut";
    /// The citizen's recorded agreement.
    AgreementId = "agr";
    /// One use of a mandate at a public service.
    UseId = "use";
    /// An authenticator (second factor) of an account.
    AuthenticatorId = "fac";
    /// A browser session.
    SessionId = "ses";
    /// One sign-in at a public service in progress (OpenID Connect authorisation request).
    FlowId = "flw";
    /// An entry of the journal.
    EntryId = "ent";
    /// A message waiting to be sent.
    MessageId = "msg";
    /// A request to erase a person before their time.
    ErasureId = "ers";
    /// A hold on a person's data.
    HoldId = "hld";
    /// Where a browser came from, kept for FranceConnect.
    TraceId = "trc";
    /// An auditor's request to know who a pseudonym stands for.
    InquiryId = "inq";
    /// Something in the journal that asks for an explanation.
    SignalId = "sig";
    /// What an auditor concluded.
    FindingId = "fnd";
    /// A citizen's phone number in one organisation. Pseudonymous: it stands for the number in the journal.
    PhoneId = "tel";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_text_of_the_right_kind_is_an_identifier() {
        let id = MandateId::new(Instant::UNIX_EPOCH, u128::MAX);
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        assert_eq!(id.as_str().parse::<CitizenId>(), Err(Malformed));
        assert_eq!(id.as_str().to_lowercase().parse::<MandateId>(), Err(Malformed));
        assert_eq!("mdt_".parse::<MandateId>(), Err(Malformed));
        assert_eq!("mdt_01'; drop table mandates--".parse::<MandateId>(), Err(Malformed));
    }
}
