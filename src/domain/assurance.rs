//! How sure one can be of who somebody is: of the citizen when they agreed, of the mediator who acts.

use std::fmt;
use std::str::FromStr;

/// A level of assurance of an identity (eIDAS, regulation (EU) 910/2014, article 8), weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Assurance {
    /// Low.
    Low,
    /// Substantial.
    Substantial,
    /// High.
    High,
}

/// The text is no level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("none of eidas1, eidas2, eidas3")]
pub struct Unknown;

impl Assurance {
    /// All of them, weakest first.
    pub const ALL: [Self; 3] = [Self::Low, Self::Substantial, Self::High];

    /// FranceConnect's word for it (`acr`), which is also stored.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Low => "eidas1",
            Self::Substantial => "eidas2",
            Self::High => "eidas3",
        }
    }
}

impl FromStr for Assurance {
    type Err = Unknown;
    fn from_str(code: &str) -> Result<Self, Unknown> {
        Self::ALL.into_iter().find(|level| level.code() == code).ok_or(Unknown)
    }
}

impl fmt::Display for Assurance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// How a mediator last proved who they are, beside the link sent to their address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Authentication {
    /// With a code of their device (RFC 6238).
    #[default]
    Code,
    /// With a recovery code, from the list they printed.
    RecoveryCode,
}

impl Authentication {
    /// The stored code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Code => "otp",
            Self::RecoveryCode => "recovery",
        }
    }

    /// The methods, as the claim `amr` says them (RFC 8176 2). It has no word for a list of recovery codes: only that there were two
    /// factors.
    #[must_use]
    pub const fn methods(self) -> [&'static str; 2] {
        match self {
            Self::Code => ["mail", "otp"],
            Self::RecoveryCode => ["mail", "mfa"],
        }
    }

    /// What it is worth. Neither is bound to a person's identity papers.
    #[must_use]
    pub const fn assurance(self) -> Assurance {
        match self {
            Self::Code | Self::RecoveryCode => Assurance::Low,
        }
    }
}

impl FromStr for Authentication {
    type Err = Unknown;
    fn from_str(code: &str) -> Result<Self, Unknown> {
        [Self::Code, Self::RecoveryCode].into_iter().find(|one| one.code() == code).ok_or(Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_one_of_three_and_they_are_in_order() {
        for level in Assurance::ALL {
            assert_eq!(level.to_string().parse(), Ok(level));
        }
        assert!(Assurance::Low < Assurance::Substantial && Assurance::Substantial < Assurance::High);
        for word in ["eidas0", "eidas4", "EIDAS1", ""] {
            assert_eq!(word.parse::<Assurance>(), Err(Unknown), "{word}");
        }
    }

    #[test]
    fn a_recovery_code_is_told_apart_from_a_device() {
        for one in [Authentication::Code, Authentication::RecoveryCode] {
            assert_eq!(one.code().parse(), Ok(one));
            assert_eq!(one.assurance(), Assurance::Low);
        }
        assert_eq!(Authentication::Code.methods(), ["mail", "otp"]);
        assert_eq!(Authentication::RecoveryCode.methods(), ["mail", "mfa"]);
        assert_eq!("pwd".parse::<Authentication>(), Err(Unknown));
    }
}
