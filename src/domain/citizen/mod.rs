//! The citizen's identity, as FranceConnect gave it, kept and replayed byte for byte.

mod search;

use std::str::FromStr;

use chrono::{Datelike, NaiveDate};

pub use search::{LONGEST_BEGINNING, SHORTEST_SEARCH, beginning, search_words};

/// Why an identity received from an identity provider cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// A claim is missing, empty or too long.
    #[error("the claim {0} is missing, empty or longer than 256 characters")]
    Claim(&'static str),
    /// A claim has a form that public services would refuse.
    #[error("the claim {0} has an unknown form")]
    Form(&'static str),
}

/// Gender as written in the civil status. FranceConnect sends three values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gender {
    /// `female`
    Female,
    /// `male`
    Male,
    /// `unspecified`
    Unspecified,
}

impl Gender {
    /// The value of the OpenID Connect claim.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Female => "female",
            Self::Male => "male",
            Self::Unspecified => "unspecified",
        }
    }
}

impl FromStr for Gender {
    type Err = Incomplete;
    fn from_str(text: &str) -> Result<Self, Incomplete> {
        match text {
            "female" => Ok(Self::Female),
            "male" => Ok(Self::Male),
            "unspecified" => Ok(Self::Unspecified),
            _ => Err(Incomplete::Form("gender")),
        }
    }
}

/// A birthdate: `YYYY-MM-DD`, `YYYY-MM-00` or `YYYY-00-00` (the presumed-born). Never a date column: it is a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Birthdate(String);

impl Birthdate {
    /// Its text, byte for byte.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The latest day it can stand for: whoever is of age by that day is of age for certain.
    fn latest(&self) -> Option<NaiveDate> {
        let (year, month, day) = parts(&self.0)?;
        match (month, day) {
            (0, _) => NaiveDate::from_ymd_opt(year, 12, 31),
            (_, 0) => NaiveDate::from_ymd_opt(year, month, 1)?.checked_add_months(chrono::Months::new(1))?.pred_opt(),
            _ => NaiveDate::from_ymd_opt(year, month, day),
        }
    }

    /// Whether the person is certainly 18 or older on that day.
    #[must_use]
    pub fn is_adult_on(&self, day: NaiveDate) -> bool {
        self.latest().is_some_and(|born| {
            let years = day.year() - born.year();
            years > 18 || (years == 18 && (day.month(), day.day()) >= (born.month(), born.day()))
        })
    }
}

fn parts(text: &str) -> Option<(i32, u32, u32)> {
    let well_formed = text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() });
    if !well_formed {
        return None;
    }
    Some((text.get(..4)?.parse().ok()?, text.get(5..7)?.parse().ok()?, text.get(8..)?.parse().ok()?))
}

impl FromStr for Birthdate {
    type Err = Incomplete;
    fn from_str(text: &str) -> Result<Self, Incomplete> {
        let refused = Incomplete::Form("birthdate");
        let (year, month, day) = parts(text).ok_or(refused)?;
        let possible = match (month, day) {
            (0, 0) => year > 0,
            (_, 0) => year > 0 && (1..=12).contains(&month),
            _ => NaiveDate::from_ymd_opt(year, month, day).is_some(),
        };
        if possible { Ok(Self(text.to_owned())) } else { Err(refused) }
    }
}

/// The official geographic code (INSEE COG) of a commune or country: five characters, Corsica with `2A` or `2B`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceCode(String);

impl PlaceCode {
    /// France as a country of birth.
    pub const FRANCE: &'static str = "99100";

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PlaceCode {
    fn parse(text: &str, claim: &'static str) -> Result<Self, Incomplete> {
        let refused = Incomplete::Form(claim);
        let (head, tail) = text.split_at_checked(2).ok_or(refused)?;
        let department = matches!(head, "2A" | "2B") || head.bytes().all(|byte| byte.is_ascii_digit());
        let rest = tail.len() == 3 && tail.bytes().all(|byte| byte.is_ascii_digit());
        if department && rest { Ok(Self(text.to_owned())) } else { Err(refused) }
    }
}

/// The claims as they came, before any check. Absent claims are `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// All first names, separated by spaces.
    pub given_name: Option<String>,
    /// Birth name.
    pub family_name: Option<String>,
    /// Name in use, if the person has one.
    pub preferred_username: Option<String>,
    /// The birthdate as the first identity provider sent it: `idp_birthdate` where there is one, else `birthdate`.
    pub birthdate: Option<String>,
    /// `female`, `male` or `unspecified`.
    pub gender: Option<String>,
    /// Commune of birth; empty for people born abroad.
    pub birthplace: Option<String>,
    /// Country of birth.
    pub birthcountry: Option<String>,
    /// E-mail address: public services require one.
    pub email: Option<String>,
}

/// A citizen's identity that every public service behind FranceConnect will accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// All first names, separated by spaces.
    pub given_name: String,
    /// Birth name.
    pub family_name: String,
    /// Name in use, if any.
    pub preferred_username: Option<String>,
    /// Birthdate, perhaps partial.
    pub birthdate: Birthdate,
    /// Gender.
    pub gender: Gender,
    /// Commune of birth: `None` for people born abroad, replayed as the empty text.
    pub birthplace: Option<PlaceCode>,
    /// Country of birth.
    pub birthcountry: PlaceCode,
    /// E-mail address.
    pub email: String,
}

fn text(claim: Option<String>, name: &'static str) -> Result<String, Incomplete> {
    let text = claim.filter(|text| !text.is_empty() && text.chars().count() <= 256).ok_or(Incomplete::Claim(name))?;
    // A line feed in a name would add a line to the mandate that the citizen reads.
    if text.chars().any(char::is_control) { Err(Incomplete::Form(name)) } else { Ok(text) }
}

fn email(claim: Option<String>) -> Result<String, Incomplete> {
    let address = text(claim, "email")?;
    let domain_has_dot = address.rsplit_once('@').is_some_and(|(user, domain)| {
        !user.is_empty() && domain.split('.').count() > 1 && domain.split('.').all(|label| !label.is_empty())
    });
    let plain = !address.chars().any(|c| c.is_whitespace() || c.is_control() || c == ',');
    if domain_has_dot && plain { Ok(address) } else { Err(Incomplete::Form("email")) }
}

impl TryFrom<Claims> for Identity {
    type Error = Incomplete;
    fn try_from(claims: Claims) -> Result<Self, Incomplete> {
        let birthcountry = PlaceCode::parse(&text(claims.birthcountry, "birthcountry")?, "birthcountry")?;
        let birthplace = claims.birthplace.filter(|place| !place.is_empty());
        let birthplace = if birthcountry.as_str() == PlaceCode::FRANCE {
            Some(PlaceCode::parse(&birthplace.ok_or(Incomplete::Claim("birthplace"))?, "birthplace")?)
        } else {
            // Some providers write free text for the foreign-born; FranceConnect expects an empty text.
            None
        };
        Ok(Self {
            given_name: text(claims.given_name, "given_name")?,
            family_name: text(claims.family_name, "family_name")?,
            preferred_username: match claims.preferred_username.filter(|name| !name.is_empty()) {
                Some(name) => Some(text(Some(name), "preferred_username")?),
                None => None,
            },
            birthdate: text(claims.birthdate, "birthdate")?.parse()?,
            gender: text(claims.gender, "gender")?.parse()?,
            birthplace,
            birthcountry,
            email: email(claims.email)?,
        })
    }
}

impl Identity {
    /// The name a person is called by: first names, then the name in use or the birth name.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{} {}", self.given_name, self.preferred_username.as_ref().unwrap_or(&self.family_name))
    }
}

#[cfg(test)]
mod tests;
