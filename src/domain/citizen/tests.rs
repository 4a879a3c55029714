//! What an identity must be, and how it is found.

use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn partial_birthdates_are_kept_and_impossible_ones_refused() {
    for kept in ["1980-00-00", "1980-02-00", "1992-02-29", "0001-01-01"] {
        assert_eq!(kept.parse::<Birthdate>().unwrap().as_str(), kept);
    }
    for refused in
        ["1980-00-12", "1980-13-00", "1981-02-29", "1980-1-1", "80-01-01", "None", "", "1980-01-01T00", "１980-01-01"]
    {
        assert!(refused.parse::<Birthdate>().is_err(), "{refused}");
    }
}

#[test]
fn a_partial_birthdate_makes_an_adult_only_when_certain() {
    let born = |text: &str| text.parse::<Birthdate>().unwrap();
    assert!(!born("2008-00-00").is_adult_on(day("2026-12-30")));
    assert!(born("2008-00-00").is_adult_on(day("2026-12-31")));
    assert!(!born("2008-02-00").is_adult_on(day("2026-02-28")));
    assert!(born("2008-02-00").is_adult_on(day("2026-03-01")));
    assert!(born("2008-05-04").is_adult_on(day("2026-05-04")));
    assert!(!born("2008-05-04").is_adult_on(day("2026-05-03")));
}

fn claims() -> Claims {
    Claims {
        given_name: Some("Angela Claire".into()),
        family_name: Some("DUBOIS".into()),
        birthdate: Some("1962-08-24".into()),
        gender: Some("female".into()),
        birthplace: Some("2A004".into()),
        birthcountry: Some("99100".into()),
        email: Some("angela@example.fr".into()),
        ..Claims::default()
    }
}

#[test]
fn a_search_folds_accents_and_case() {
    assert_eq!(search_words("Joséphine de LA\u{301} Rue-D’Or"), ["josephine", "de", "la", "rue", "d", "or"]);
    let identity = Identity::try_from(Claims { given_name: Some("Éa Joséphine".into()), ..claims() }).unwrap();
    assert!(identity.answers_to(&search_words("JOSE dub")));
    assert!(!identity.answers_to(&search_words("josé martin")));
    let beginnings = identity.search_beginnings();
    assert!(["jos", "josep", "joseph", "ea", "dubois"].iter().all(|one| beginnings.contains(*one)));
    assert!(!beginnings.contains("josephi"));
}

#[test]
fn corsica_is_a_place_and_the_foreign_born_have_none() {
    assert_eq!(Identity::try_from(claims()).unwrap().birthplace.unwrap().as_str(), "2A004");
    let abroad = Claims { birthcountry: Some("99217".into()), birthplace: Some(String::new()), ..claims() };
    assert_eq!(Identity::try_from(abroad).unwrap().birthplace, None);
    // Some providers write free text there.
    let told = Claims { birthcountry: Some("99217".into()), birthplace: Some("Tokyo".into()), ..claims() };
    assert_eq!(Identity::try_from(told).unwrap().birthplace, None);
    let nowhere = Claims { birthplace: None, ..claims() };
    assert_eq!(Identity::try_from(nowhere), Err(Incomplete::Claim("birthplace")));
}

#[test]
fn an_identity_that_a_service_would_refuse_is_refused_at_the_counter() {
    for broken in [
        Claims { email: Some("angela@example".into()), ..claims() },
        Claims { email: Some("a b@example.fr".into()), ..claims() },
        Claims { gender: Some("f".into()), ..claims() },
        Claims { family_name: Some(String::new()), ..claims() },
        Claims { given_name: Some("x".repeat(257)), ..claims() },
        Claims { given_name: Some("Ana\n- Justice".into()), ..claims() },
        Claims { birthplace: Some("None".into()), ..claims() },
    ] {
        assert!(Identity::try_from(broken.clone()).is_err(), "{broken:?}");
    }
}
