//! Who there is: identifiers and secrets that the generator, the load and the floors find again by number, and invented people.

use aws_lc_rs::digest::{SHA256, digest};
use mandataire::domain::Instant;
use mandataire::domain::citizen::{Claims, Identity};
use mandataire::domain::id::{AccountId, AuthenticatorId, OrganisationId, SessionId};

/// The instant in every numbered identifier.
const NUMBERED_SINCE: &str = "2025-01-01T00:00:00Z";
/// Where the numbers begin, so that all have as many digits.
pub(crate) const FIRST: usize = 1_000_000;
/// Digits of a number.
const DIGITS: usize = 7;

const GIVEN: [&str; 40] = [
    "Joséphine",
    "Amadou",
    "Lucie",
    "Bernard",
    "Awa",
    "Denis",
    "Ana",
    "Yasmine",
    "Paul",
    "Nadia",
    "Étienne",
    "Maryam",
    "Gaël",
    "Zoé",
    "Mohamed",
    "Solène",
    "Jean-Pierre",
    "Inès",
    "Youssef",
    "Françoise",
    "Karim",
    "Odette",
    "Malik",
    "Hélène",
    "Ibrahim",
    "Colette",
    "Rachid",
    "Anaïs",
    "Tomasz",
    "Léa",
    "Moussa",
    "Geneviève",
    "Ahmed",
    "Céleste",
    "Fatoumata",
    "Marcel",
    "Chloé",
    "Samba",
    "Thérèse",
    "Loïc",
];
const SYLLABLES: [&str; 24] = [
    "du", "bois", "mar", "tin", "le", "roux", "fon", "taine", "ca", "dio", "vi", "lar", "per", "rin", "mou", "lin",
    "be", "nard", "gau", "thier", "sé", "go", "lam", "bert",
];

/// The number as the last characters of an identifier: its decimal digits, read in base 32 as ULIDs are.
fn numbered(number: usize) -> u128 {
    (FIRST + number).to_string().bytes().fold(0, |value, digit| value * 32 + u128::from(digit - b'0'))
}

fn since() -> Instant {
    NUMBERED_SINCE.parse().expect("an instant")
}

/// An organisation.
pub(crate) fn organisation(number: usize) -> OrganisationId {
    OrganisationId::new(since(), numbered(number))
}

/// The account of a mediator.
pub(crate) fn account(number: usize) -> AccountId {
    AccountId::new(since(), numbered(number))
}

/// The authenticator of a mediator.
pub(crate) fn authenticator(number: usize) -> AuthenticatorId {
    AuthenticatorId::new(since(), numbered(number))
}

/// A session of a mediator: those of the past, then one for each run.
pub(crate) fn session(at: Option<Instant>, number: usize) -> SessionId {
    SessionId::new(at.unwrap_or_else(since), numbered(number))
}

/// The text of an identifier up to its number, for those who write identifiers in SQL.
pub(crate) fn prefix(identifier: &str) -> &str {
    identifier.get(..identifier.len() - DIGITS).expect("an identifier")
}

/// The seed of a mediator's authenticator.
pub(crate) fn seed(number: usize) -> Vec<u8> {
    digest(&SHA256, format!("authenticator {number}").as_bytes()).as_ref()[..20].to_vec()
}

/// Chance that is the same in every run (splitmix64).
#[derive(Clone)]
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    /// 64 bits.
    pub(crate) const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below a bound.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(1);
        usize::try_from(self.bits() % bound).unwrap_or(0)
    }

    /// One of several.
    pub(crate) fn one<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        &among[self.below(among.len())]
    }

    /// True so many times in a hundred.
    pub(crate) fn percent(&mut self, often: usize) -> bool {
        self.below(100) < often
    }
}

/// The claims of a citizen, as FranceConnect sends them.
pub(crate) fn claims(number: usize) -> Claims {
    let mut chance = Chance(number as u64);
    let family: String = (0..2 + chance.below(2)).map(|_| *chance.one(&SYLLABLES)).collect();
    let given = format!("{} {}", chance.one(&GIVEN), chance.one(&GIVEN));
    let born = format!("{}-{:02}-{:02}", 1940 + chance.below(60), 1 + chance.below(12), 1 + chance.below(28));
    Claims {
        email: Some(format!("citizen.{number}@example.fr")),
        given_name: Some(given),
        family_name: Some(family.to_uppercase()),
        preferred_username: None,
        birthdate: Some(born),
        gender: Some(if chance.percent(50) { "female" } else { "male" }.to_owned()),
        birthplace: Some(format!("{}{:03}", 10 + chance.below(80), 1 + chance.below(500))),
        birthcountry: Some("99100".to_owned()),
    }
}

/// The identity of a citizen.
pub(crate) fn identity(number: usize) -> Identity {
    Identity::try_from(claims(number)).expect("an identity")
}

/// What FranceConnect calls a citizen.
pub(crate) fn subject(number: usize) -> String {
    format!("{number:064x}v1")
}
