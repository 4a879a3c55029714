//! Services that sign citizens in through us, as an administrator registers them.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use url::Url;

use super::super::Output;
use super::one_of;
use crate::domain::client::{AuthMethod, Pkce, SCOPES, SigningAlgorithm, UserinfoFormat, Vocabulary};
use crate::domain::procedure::Procedure;

/// What can be done with the services that sign citizens in through us.
#[derive(Debug, Subcommand)]
pub enum Client {
    /// Register a service; answers with its identifier, and its secret this once
    Register(Box<Registration>),
    /// Change the registration of a service; what is not named stays as it is
    Change(Box<Changes>),
    /// List them, without their secrets
    List(Output),
    /// Give a service a new secret, answered this once; the old one stops at once, or after the overlap
    RotateSecret {
        /// Its client identifier
        client_id: String,
        /// For how many hours the old secret works too, so that the service can change over
        #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(1..=720))]
        overlap: Option<u32>,
        /// The file of the new secret; by default one is made
        #[arg(long, value_name = "FILE")]
        client_secret_file: Option<PathBuf>,
        /// How to answer.
        #[command(flatten)]
        output: Output,
    },
}

/// The registration of a service.
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
#[derive(Debug, Args)]
pub struct Registration {
    /// Its name, as mediators read it
    #[arg(long)]
    pub name: String,
    /// An address it may be answered at, compared byte for byte (repeat)
    #[arg(long = "redirect-uri", value_name = "URL", required = true, value_parser = exact_url)]
    pub redirect_uris: Vec<String>,
    /// An address it may be sent back to after sign-out, compared byte for byte (repeat)
    #[arg(long = "logout-uri", alias = "post-logout-redirect-uri", value_name = "URL", value_parser = exact_url)]
    pub logout_uris: Vec<String>,
    /// The one algorithm that signs what it receives; HS256 signs with its secret
    #[arg(long, default_value = "ES256", value_parser = one_of::<SigningAlgorithm>(["ES256", "RS256", "HS256"]))]
    pub algorithm: SigningAlgorithm,
    /// The form in which it receives the citizen's identity: plain, or signed
    #[arg(long, default_value = "json", value_parser = one_of::<UserinfoFormat>(["json", "jwt"]))]
    pub userinfo: UserinfoFormat,
    /// How it sends its secret
    #[arg(long, default_value = "client_secret_post",
        value_parser = one_of::<AuthMethod>(["client_secret_post", "client_secret_basic", "private_key_jwt"]))]
    pub auth: AuthMethod,
    /// The file of its public keys (a JWK Set), for `private_key_jwt`
    #[arg(long, value_name = "FILE", required_if_eq("auth", "private_key_jwt"))]
    pub keys: Option<PathBuf>,
    /// Whether it must, may or must not protect its codes with PKCE
    #[arg(long, default_value = "allowed", value_parser = one_of::<Pkce>(["required", "allowed", "off"]))]
    pub pkce: Pkce,
    /// A scope it may be granted (repeat); by default all
    #[arg(long = "scope", value_name = "SCOPE", value_parser = PossibleValuesParser::new(SCOPES))]
    pub scopes: Vec<String>,
    /// A procedure that mandates may be used for at it (repeat); by default all ten
    #[arg(long = "procedure", value_name = "KEY", value_parser = one_of::<Procedure>(Procedure::ALL.map(Procedure::key)))]
    pub procedures: Vec<Procedure>,
    /// A procedure bound to it: mandates may be used for it only at services to which it is bound (repeat)
    #[arg(long, value_name = "KEY", value_parser = one_of::<Procedure>(Procedure::ALL.map(Procedure::key)))]
    pub binds: Vec<Procedure>,
    /// The words by which it names procedures: FranceConnect's labels, or the keys of this service
    #[arg(long, default_value = "franceconnect", value_parser = one_of::<Vocabulary>(["franceconnect", "keys"]))]
    pub vocabulary: Vocabulary,
    /// The word by which it asks, and learns, how sure we are of who acts (repeat; the first is the usual one)
    #[arg(long, value_name = "WORD", default_value = "eidas1", value_parser = level_word)]
    pub acr: Vec<String>,
    /// Its authorisation requests must be sent ahead (PAR)
    #[arg(long)]
    pub pushed: bool,
    /// Its tokens are bound to a key that it proves to hold (`DPoP`)
    #[arg(long)]
    pub dpop: bool,
    /// It may ask what its tokens, and the mandates used at it, are worth
    #[arg(long)]
    pub introspects: bool,
    /// It may be answered again without a page (`prompt=none`), as the mediator chose at it in the last 15 minutes
    #[arg(long, conflicts_with = "franceconnect")]
    pub silent: bool,
    /// It is FranceConnect: nonce, state and the claims it sends are insisted on, and a code typed in the last
    /// 15 minutes counts as the sign-in it asks for every time
    #[arg(long)]
    pub franceconnect: bool,
    /// Its identifier, to carry an existing registration over; by default one is made
    #[arg(long, value_name = "ID", requires = "client_secret_file")]
    pub client_id: Option<String>,
    /// The file of its secret, to carry an existing registration over; by default one is made
    #[arg(long, value_name = "FILE")]
    pub client_secret_file: Option<PathBuf>,
    /// How to answer.
    #[command(flatten)]
    pub output: Output,
}

/// What is to be otherwise with a service. A list that is named replaces the one before.
#[derive(Debug, Args)]
pub struct Changes {
    /// Its client identifier
    pub client_id: String,
    /// Its name, as mediators read it
    #[arg(long)]
    pub name: Option<String>,
    /// An address it may be answered at, compared byte for byte (repeat)
    #[arg(long = "redirect-uri", value_name = "URL", value_parser = exact_url)]
    pub redirect_uris: Vec<String>,
    /// An address it may be sent back to after sign-out, compared byte for byte (repeat)
    #[arg(long = "logout-uri", value_name = "URL", value_parser = exact_url)]
    pub logout_uris: Vec<String>,
    /// It is sent back nowhere after sign-out
    #[arg(long, conflicts_with = "logout_uris")]
    pub logout_uri_none: bool,
    /// The form in which it receives the citizen's identity: plain, or signed
    #[arg(long, value_parser = one_of::<UserinfoFormat>(["json", "jwt"]))]
    pub userinfo: Option<UserinfoFormat>,
    /// The file of its public keys (a JWK Set)
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,
    /// Whether it must, may or must not protect its codes with PKCE
    #[arg(long, value_parser = one_of::<Pkce>(["required", "allowed", "off"]))]
    pub pkce: Option<Pkce>,
    /// A scope it may be granted (repeat)
    #[arg(long = "scope", value_name = "SCOPE", value_parser = PossibleValuesParser::new(SCOPES))]
    pub scopes: Vec<String>,
    /// A procedure that mandates may be used for at it (repeat)
    #[arg(long = "procedure", value_name = "KEY", value_parser = one_of::<Procedure>(Procedure::ALL.map(Procedure::key)))]
    pub procedures: Vec<Procedure>,
    /// All ten procedures, as if none had been named
    #[arg(long, conflicts_with = "procedures")]
    pub all_procedures: bool,
    /// A procedure bound to it: mandates may be used for it only at services to which it is bound (repeat)
    #[arg(long, value_name = "KEY", value_parser = one_of::<Procedure>(Procedure::ALL.map(Procedure::key)))]
    pub binds: Vec<Procedure>,
    /// No procedure is bound to it any more
    #[arg(long, conflicts_with = "binds")]
    pub binds_none: bool,
    /// The words by which it names procedures
    #[arg(long, value_parser = one_of::<Vocabulary>(["franceconnect", "keys"]))]
    pub vocabulary: Option<Vocabulary>,
    /// The word by which it asks, and learns, how sure we are of who acts (repeat; the first is the usual one)
    #[arg(long, value_name = "WORD", value_parser = level_word)]
    pub acr: Vec<String>,
    /// Whether its authorisation requests must be sent ahead (PAR)
    #[arg(long)]
    pub pushed: Option<bool>,
    /// Whether its tokens are bound to a key that it proves to hold (`DPoP`)
    #[arg(long)]
    pub dpop: Option<bool>,
    /// Whether it may ask what its tokens, and the mandates used at it, are worth
    #[arg(long)]
    pub introspects: Option<bool>,
    /// Whether it may be answered again without a page (`prompt=none`)
    #[arg(long)]
    pub silent: Option<bool>,
    /// How to answer.
    #[command(flatten)]
    pub output: Output,
}

/// A word of `acr` stands between spaces (OpenID Connect Core 3.1.2.1), and FranceConnect reads letters and digits alone.
fn level_word(given: &str) -> Result<String, &'static str> {
    let plain = |one: char| one.is_ascii_graphic() && one != '"' && one != '\\';
    let fits = (1..=200).contains(&given.len()) && given.chars().all(plain);
    if fits { Ok(given.to_owned()) } else { Err("must be one word") }
}

/// https, or http to this machine; without a fragment (RFC 6749 3.1.2), and kept exactly as it was typed.
fn exact_url(given: &str) -> Result<String, &'static str> {
    let url = Url::parse(given).map_err(|_| "not an address")?;
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(url::Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        _ => return Err("must start with https://"),
    }
    if url.fragment().is_some() { Err("must be without #") } else { Ok(given.to_owned()) }
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::super::super::Command;
    use super::super::super::tests::parsed;
    use super::super::Admin;
    use super::*;

    #[test]
    fn franceconnect_is_registered_as_it_is_today() {
        let line = "admin client register --name FranceConnect --franceconnect --algorithm HS256 --client-id fc \
                    --client-secret-file s --redirect-uri https://fc.example.fr/oidc-callback \
                    --logout-uri https://fc.example.fr/client/logout-callback --auth client_secret_post --json";
        let Ok(Command::Admin(Admin::Client(Client::Register(given)))) = parsed(line) else { panic!("refused") };
        assert_eq!((given.algorithm, given.userinfo), (SigningAlgorithm::Hs256, UserinfoFormat::Json));
        assert_eq!(given.redirect_uris, ["https://fc.example.fr/oidc-callback"]);
        assert!(given.franceconnect && given.output.json);
    }

    #[test]
    fn a_registration_that_cannot_be_right_is_refused() {
        let register = "admin client register --name n";
        for (line, kind) in [
            (format!("{register} --redirect-uri http://example.fr/"), ErrorKind::ValueValidation),
            (format!("{register} --redirect-uri https://example.fr/#a"), ErrorKind::ValueValidation),
            (format!("{register} --redirect-uri https://example.fr/ --algorithm none"), ErrorKind::InvalidValue),
            (format!("{register} --redirect-uri https://a.fr/ --client-id us"), ErrorKind::MissingRequiredArgument),
            (register.to_owned(), ErrorKind::MissingRequiredArgument),
        ] {
            assert_eq!(parsed(&line).unwrap_err(), kind, "{line}");
        }
    }
}
