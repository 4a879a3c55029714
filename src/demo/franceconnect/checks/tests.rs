use serde_json::json;

use super::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn expected() -> Expected<'static> {
    Expected { issuer: "http://127.0.0.1:1", client_id: "fc", secret: SECRET, nonce: "n", now: 1_000 }
}

fn claims() -> Value {
    json!({
        "iss": "http://127.0.0.1:1", "aud": "fc", "sub": "s", "exp": 1_001, "iat": 1_000, "nonce": "n", "acr": "eidas1",
        "amr": ["pwd"], "at_hash": jws::half_hash("token"), "rep_scope": ["Logement"], "act": { "sub": "x" },
    })
}

fn verdict(changes: &Value) -> &'static str {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    let answer = json!({ "access_token": "token", "id_token": jws::sign_hs256(&claims, SECRET) });
    tokens(&answer, &expected()).err().map_or("", |halt| halt.code)
}

#[test]
fn a_good_token_answer_is_kept() {
    let id_token = jws::sign_hs256(&claims(), SECRET);
    let kept = tokens(&json!({ "access_token": "token", "id_token": id_token }), &expected()).unwrap();
    assert_eq!(kept, Tokens { access_token: "token".into(), id_token, rep_scope: vec!["Logement".into()] });
}

#[test]
fn the_library_refuses_what_it_refuses() {
    for changes in [
        json!({ "iss": "http://127.0.0.1:1/" }),
        json!({ "aud": "other" }),
        json!({ "aud": ["fc"] }),
        json!({ "sub": null }),
        json!({ "exp": 1_000 }),
        json!({ "exp": null }),
        json!({ "iat": null }),
        json!({ "iat": "1000" }),
        json!({ "nbf": 1_001 }),
        json!({ "nonce": "other" }),
        json!({ "at_hash": "other" }),
    ] {
        assert_eq!(verdict(&changes), "Y020026", "{changes}");
    }
    for changes in [json!({ "aud": ["fc", "x"], "azp": "fc" }), json!({ "iat": 9_999 }), json!({ "at_hash": null })] {
        assert_eq!(verdict(&changes), "", "{changes}");
    }
    let foreign = json!({ "access_token": "token", "id_token": jws::sign_hs256(&claims(), "another secret") });
    assert_eq!(tokens(&foreign, &expected()).unwrap_err().code, "Y020026");
}

#[test]
fn the_level_must_be_the_one_asked_for() {
    for (acr, code) in
        [("eidas2", "Y100018"), ("eidas0", "Y100001"), ("loa1", "Y100001"), ("", "Y020030"), ("urn:eidas1", "Y020030")]
    {
        assert_eq!(verdict(&json!({ "acr": acr })), code, "{acr}");
    }
    assert_eq!(verdict(&json!({ "acr": null })), "Y020030");
}

#[test]
fn lists_are_lists_of_texts() {
    for changes in [json!({ "rep_scope": "Logement" }), json!({ "rep_scope": [1] }), json!({ "amr": "pwd" })] {
        assert_eq!(verdict(&changes), "Y020030", "{changes}");
    }
    assert_eq!(verdict(&json!({ "rep_scope": null, "amr": null })), "");
}

#[test]
fn an_identity_is_complete_or_refused() {
    let person = json!({
        "sub": "s", "given_name": "Awa", "family_name": "DIALLO", "birthdate": "1980-00-00", "gender": "female",
        "birthplace": "", "birthcountry": "99341", "email": "awa@example.fr", "preferred_username": null,
    });
    assert_eq!(identity(&person).unwrap().birthdate, "1980-00-00");
    for (name, value, code) in [
        ("sub", json!(""), "Y020029"),
        ("given_name", json!("x".repeat(257)), "Y600006"),
        ("family_name", json!(null), "Y600006"),
        ("birthdate", json!("1980-00-12"), "Y600006"),
        ("birthdate", json!("1981-02-29"), "Y600006"),
        ("birthdate", json!("None"), "Y600006"),
        ("gender", json!("F"), "Y600006"),
        ("birthcountry", json!("99100"), "Y600006"),
        ("birthcountry", json!("FR"), "Y600006"),
        ("email", json!("awa@example"), "Y600006"),
        ("preferred_username", json!(1), "Y600006"),
    ] {
        let mut broken = person.clone();
        broken[name] = value;
        assert_eq!(identity(&broken).unwrap_err().code, code, "{name}");
    }
}

#[test]
fn one_procedure_in_common_is_enough_and_an_empty_list_accepts_all() {
    let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    assert!(rep_scope(&[], &[]).is_ok());
    assert!(rep_scope(&list(&["Logement", "Justice"]), &list(&["Justice"])).is_ok());
    for named in [&[][..], &["logement"], &["Social-Santé"]] {
        assert_eq!(rep_scope(&list(&["Logement"]), &list(named)).unwrap_err().code, "Y600020");
    }
}
