//! What a client chooses from when it registers.

use std::fmt;
use std::str::FromStr;

use crate::domain::procedure::Procedure;

macro_rules! choices {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $code:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$each])* $variant,)+ }

        impl $name {
            /// The stored code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }
        }

        impl FromStr for $name {
            type Err = Unknown;
            fn from_str(code: &str) -> Result<Self, Unknown> {
                match code { $($code => Ok(Self::$variant),)+ _ => Err(Unknown) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.code())
            }
        }
    };
}

/// The text is none of the choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not one of the choices")]
pub struct Unknown;

choices! {
    /// How tokens for a client are signed (RFC 7518 3.1): one fixed algorithm per client.
    SigningAlgorithm {
        /// ECDSA on P-256: the default.
        Es256 = "ES256",
        /// RSA PKCS#1 v1.5.
        Rs256 = "RS256",
        /// HMAC with the client's secret: FranceConnect's present set-up.
        Hs256 = "HS256",
    }
}

impl SigningAlgorithm {
    /// Those that need a key of ours.
    pub const OF_KEYS: [Self; 2] = [Self::Es256, Self::Rs256];
}

choices! {
    /// How a client authenticates at the token endpoint (OpenID Connect Core 9).
    AuthMethod {
        /// In the form.
        Post = "client_secret_post",
        /// In the `Authorization` header.
        Basic = "client_secret_basic",
        /// A token signed with a key of its own (RFC 7523): no secret is shared.
        PrivateKey = "private_key_jwt",
    }
}

choices! {
    /// What is asked of a client about PKCE (RFC 7636).
    Pkce {
        /// A request without a challenge is refused.
        Required = "required",
        /// As the client likes.
        Allowed = "allowed",
        /// A request with a challenge is refused: what its other end would not check must not look protected.
        Off = "off",
    }
}

choices! {
    /// How the identity is answered.
    UserinfoFormat {
        /// `application/json`
        Json = "json",
        /// `application/jwt`, signed with the client's algorithm.
        Jwt = "jwt",
    }
}

choices! {
    /// The words by which a client and we name procedures (`rep_scope`).
    Vocabulary {
        /// FranceConnect's labels.
        FranceConnect = "franceconnect",
        /// The keys of this service, as in the member `mandate`.
        Keys = "keys",
    }
}

impl Vocabulary {
    /// The word for a procedure.
    #[must_use]
    pub const fn word(self, procedure: Procedure) -> &'static str {
        match self {
            Self::FranceConnect => procedure.rep_scope(),
            Self::Keys => procedure.key(),
        }
    }

    /// The procedure behind a word, if it is one of the ten.
    #[must_use]
    pub fn procedure(self, word: &str) -> Option<Procedure> {
        Procedure::ALL.into_iter().find(|procedure| self.word(*procedure) == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_one_of_those_listed() {
        for algorithm in [SigningAlgorithm::Es256, SigningAlgorithm::Rs256, SigningAlgorithm::Hs256] {
            assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
        }
        for method in [AuthMethod::Post, AuthMethod::Basic, AuthMethod::PrivateKey] {
            assert_eq!(method.to_string().parse(), Ok(method));
        }
        for format in [UserinfoFormat::Json, UserinfoFormat::Jwt] {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert_eq!("none".parse::<SigningAlgorithm>(), Err(Unknown));
        for pkce in [Pkce::Required, Pkce::Allowed, Pkce::Off] {
            assert_eq!(pkce.to_string().parse(), Ok(pkce));
        }
        assert_eq!("client_secret_jwt".parse::<AuthMethod>(), Err(Unknown));
        assert_eq!("jwe".parse::<UserinfoFormat>(), Err(Unknown));
    }

    #[test]
    fn a_procedure_has_one_word_in_each_vocabulary() {
        for vocabulary in [Vocabulary::FranceConnect, Vocabulary::Keys] {
            assert_eq!(vocabulary.to_string().parse(), Ok(vocabulary));
            for procedure in Procedure::ALL {
                assert_eq!(vocabulary.procedure(vocabulary.word(procedure)), Some(procedure));
            }
        }
        assert_eq!(Vocabulary::Keys.procedure("Social-Santé"), None);
        assert_eq!(Vocabulary::FranceConnect.procedure("social"), None);
    }
}
