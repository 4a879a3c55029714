use super::*;

/// A table of a further provider that is accepted, after whose lines others may stand.
fn provider(scene: &Scene, name: &str) -> String {
    format!(
        "[providers.{name}]\nissuer = 'https://{name}.example.fr'\nlabel = 'Fournisseur {name}'\nclient_id = 'us'\n\
         client_secret_file = '{}/secret'\n",
        scene.0.display()
    )
}

#[test]
fn further_providers_have_tables_of_their_own_and_come_after_franceconnect() {
    let scene = Scene::new("providers");
    let rest = format!("{}pkce = true\n{}", provider(&scene, "own"), provider(&scene, "plus-2"));
    let set = [("MANDATAIRE_PROVIDERS__OWN__ACR", "eidas2"), ("MANDATAIRE_PROVIDERS__OWN__SCOPES", "openid profile")];
    let config = scene.load("", &rest, &set).unwrap();
    let known: Vec<_> = config.identifying().map(|(name, one)| (name, one.label.as_str(), one.pkce)).collect();
    let expected = [
        ("franceconnect", "FranceConnect", false),
        ("own", "Fournisseur own", true),
        ("plus-2", "Fournisseur plus-2", false),
    ];
    assert_eq!(known, expected);
    let own = &config.providers["own"];
    assert_eq!(
        (own.acr.as_str(), own.scopes.as_slice()),
        ("eidas2", ["openid".to_owned(), "profile".to_owned()].as_slice())
    );
    assert_eq!(own.client_secret("own").unwrap().expose_secret(), SECRET);
}

#[test]
fn what_is_wrong_with_a_provider_is_named_with_its_table() {
    let scene = Scene::new("provider-wrong");
    let rest = "[providers.own]\nalgorithm = 'none'\nissuer = 'ftp://x'\nlabel = ''\nclient_secret = 'hunter2'\n\
                scopes = ['email']\nacr = 'high'\n[providers]\nFranceconnect = 5\nbad_name = {}\nplain = 5\nfranceconnect = {}\n";
    let refusals = scene.refusals("", rest, &[("MANDATAIRE_PROVIDERS__OWN__HOTS", "x")]);
    let expected = [
        "MANDATAIRE_PROVIDERS__OWN__HOTS is not a key of ours: write one of issuer, label,",
        "providers.Franceconnect is not the name of a provider",
        "providers.bad_name is not the name of a provider: write a name of 1 to 20 lower-case letters",
        "providers.franceconnect is not the name of a provider",
        "providers.own.acr is \"high\": write eidas1,",
        "providers.own.algorithm is \"none\": write ES256 or RS256.",
        "providers.own.client_id is not set",
        "providers.own.client_secret is not a key of ours: write one of issuer, label,",
        "providers.own.client_secret_file is not set",
        "providers.own.issuer is \"ftp://x\"",
        "providers.own.label is not set",
        "providers.own.scopes is without openid",
        "providers.plain is not a table: write its keys below a line [providers.plain]: issuer,",
    ];
    starts(&refusals, &expected);
    assert!(!refusals.concat().contains("hunter2"));
    starts(&scene.refusals("providers = 5", "", &[]), &["providers is not a table of tables: write [providers.NAME]"]);
}

#[test]
fn two_providers_are_never_taken_for_one_another() {
    let scene = Scene::new("provider-twice");
    let same = provider(&scene, "own")
        .replace("own.example.fr", "fc.example.fr/api/v2")
        .replace("Fournisseur own", "FranceConnect");
    starts(
        &scene.refusals("", &same, &[]),
        &["providers.own.issuer is that of another provider", "providers.own.label is that of another provider"],
    );
}

#[test]
fn encryption_keys_are_private_files() {
    let scene = Scene::new("provider-keys");
    let (one, two) = (scene.file("one.pem", "first\n", 0o600), scene.file("two.pem", "second\n", 0o640));
    let files = format!("encryption_key_files = ['{}', '{}']", one.display(), two.display());
    let config = scene.load("", &files, &[]).unwrap();
    let keys: Vec<_> = config.franceconnect.encryption_keys(FRANCECONNECT).unwrap();
    assert_eq!(keys.iter().map(|key| key.as_str()).collect::<Vec<_>>(), ["first", "second"]);
    scene.file("two.pem", "second\n", 0o604);
    let refusals = scene.refusals("", &files, &[]);
    starts(&refusals, &["franceconnect.encryption_key_files names"]);
    assert!(refusals[0].contains("every account of this machine may open"), "{refusals:?}");
}
