//! A civil status as the pretend FranceConnect handles it, and what each service sees of it.

use std::fmt;

use aws_lc_rs::hmac;
use serde_json::{Map, Value, json};

use crate::demo::jws::hex;

/// A civil status with the contact details an identity provider adds to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// All first names, separated by spaces.
    pub given_name: String,
    /// Birth name.
    pub family_name: String,
    /// Name in use.
    pub preferred_username: Option<String>,
    /// As an identity provider writes it: `YYYY-MM-DD`, `YYYY-MM-00` or `YYYY-00-00`.
    pub birthdate: String,
    /// `female`, `male` or `unspecified`.
    pub gender: String,
    /// Code of the commune; empty for people born abroad.
    pub birthplace: String,
    /// Code of the country.
    pub birthcountry: String,
    /// E-mail address.
    pub email: String,
}

impl fmt::Debug for Identity {
    /// Says nothing: an identity has no place in a log, even an invented one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

impl Identity {
    /// The name on the screens: first names, then the name in use or else the birth name.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{} {}", self.given_name, self.preferred_username.as_ref().unwrap_or(&self.family_name))
    }

    /// The subject that one organisation sees: 64 hexadecimal digits and `v1`. It depends on the civil status alone,
    /// so it is the same whoever vouched for the person, and the same after a restart.
    pub(super) fn subject(&self, sector: &str) -> String {
        let status = [
            sector,
            &self.given_name,
            &self.family_name,
            &self.birthdate,
            &self.gender,
            &self.birthplace,
            &self.birthcountry,
        ];
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"demonstration");
        format!("{}v1", hex(hmac::sign(&key, status.join("\n").as_bytes()).as_ref()))
    }

    /// The claims that these scopes ask for.
    pub(super) fn claims(&self, scopes: &[String]) -> Map<String, Value> {
        let asked = |names: &[&str]| scopes.iter().any(|scope| names.contains(&scope.as_str()));
        let mut claims = Map::new();
        let mut add = |name: &str, scopes: &[&str], value: Value| {
            if asked(scopes) && !value.is_null() {
                claims.insert(name.to_owned(), value);
            }
        };
        let first_names: Vec<&str> = self.given_name.split(' ').collect();
        add("given_name", &["profile", "identite_pivot", "given_name"], json!(self.given_name));
        add("given_name_array", &["profile", "identite_pivot", "given_name"], json!(first_names));
        add("family_name", &["profile", "identite_pivot", "family_name"], json!(self.family_name));
        add("birthdate", &["profile", "identite_pivot", "birthdate"], json!(self.filled_birthdate()));
        add("gender", &["profile", "identite_pivot", "gender"], json!(self.gender));
        add("preferred_username", &["profile", "preferred_username"], json!(self.preferred_username));
        add("birthplace", &["birth", "identite_pivot", "birthplace"], json!(self.birthplace));
        add("birthcountry", &["birth", "identite_pivot", "birthcountry"], json!(self.birthcountry));
        add("email", &["email"], json!(self.email));
        add("idp_birthdate", &["idp_birthdate"], json!(self.birthdate));
        claims
    }

    /// FranceConnect fills the unknown parts of a birthdate with 01.
    fn filled_birthdate(&self) -> String {
        self.birthdate.replace("-00", "-01")
    }
}

/// Scopes that a service may ask for.
pub(super) const SCOPES: [&str; 13] = [
    "openid",
    "profile",
    "birth",
    "identite_pivot",
    "gender",
    "birthdate",
    "birthcountry",
    "birthplace",
    "given_name",
    "family_name",
    "email",
    "preferred_username",
    "idp_birthdate",
];

#[cfg(test)]
mod tests {
    use super::super::citizens::{PLAIN, find};
    use super::*;

    #[test]
    fn unknown_parts_of_a_birthdate_are_filled_and_the_original_kept_aside() {
        let scopes = ["identite_pivot", "idp_birthdate"].map(str::to_owned);
        let birth = |key: &str| {
            let claims = find(key).unwrap().identity().claims(&scopes);
            [claims["birthdate"].as_str().unwrap().to_owned(), claims["idp_birthdate"].as_str().unwrap().to_owned()]
        };
        assert_eq!(birth("awa"), ["1980-01-01", "1980-00-00"]);
        assert_eq!(birth("sami"), ["1992-11-01", "1992-11-00"]);
        assert_eq!(birth(PLAIN), ["1956-03-14", "1956-03-14"]);
    }

    #[test]
    fn claims_are_those_of_the_scopes_and_no_others() {
        let identity = find("awa").unwrap().identity();
        let names = |scope: &str| identity.claims(&[scope.to_owned()]).keys().cloned().collect::<Vec<_>>();
        assert!(names("openid").is_empty());
        assert_eq!(names("birth"), ["birthcountry", "birthplace"]);
        assert_eq!(names("given_name"), ["given_name", "given_name_array"]);
        assert!(!names("identite_pivot").contains(&"preferred_username".to_owned()));
        assert_eq!(identity.claims(&["birth".to_owned()])["birthplace"], "");
    }

    #[test]
    fn a_subject_is_one_per_person_and_organisation() {
        let (one, two) = (find(PLAIN).unwrap().identity(), find("awa").unwrap().identity());
        assert_eq!(one.subject("a").len(), 66);
        assert_ne!(one.subject("a"), one.subject("b"));
        assert_ne!(one.subject("a"), two.subject("a"));
        let moved = Identity { email: "other@example.fr".to_owned(), ..one.clone() };
        assert_eq!(moved.subject("a"), one.subject("a"));
    }
}
