//! The ten procedures a mandate may name: a closed list, in this order everywhere.

use std::fmt;
use std::str::FromStr;

/// A theme of administrative procedures (*démarche*).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Procedure {
    /// Papers, citizenship, elections.
    Papiers,
    /// Family, school.
    Famille,
    /// Social and health.
    Social,
    /// Work, training.
    Travail,
    /// Housing.
    Logement,
    /// Transport, mobility.
    Transports,
    /// Money, taxes, consumer matters. A mediator may prepare an over-indebtedness file, the citizen alone signs it.
    Argent,
    /// Justice.
    Justice,
    /// Foreigners, Europe.
    Etranger,
    /// Leisure, sport, culture.
    Loisirs,
}

/// The text names no procedure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a procedure")]
pub struct Unknown;

impl Procedure {
    /// All of them, in the order of the screens.
    pub const ALL: [Self; 10] = [
        Self::Papiers,
        Self::Famille,
        Self::Social,
        Self::Travail,
        Self::Logement,
        Self::Transports,
        Self::Argent,
        Self::Justice,
        Self::Etranger,
        Self::Loisirs,
    ];

    /// The key stored, sent in forms and written in the journal.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Papiers => "papiers",
            Self::Famille => "famille",
            Self::Social => "social",
            Self::Travail => "travail",
            Self::Logement => "logement",
            Self::Transports => "transports",
            Self::Argent => "argent",
            Self::Justice => "justice",
            Self::Etranger => "etranger",
            Self::Loisirs => "loisirs",
        }
    }

    /// FranceConnect's own label for the claim `rep_scope`; its accents are compared byte for byte.
    #[must_use]
    pub const fn rep_scope(self) -> &'static str {
        match self {
            Self::Papiers => "Papier-Citoyenneté-Elections",
            Self::Famille => "Famille-Scolarité",
            Self::Social => "Social-Santé",
            Self::Travail => "Travail-Formation",
            Self::Logement => "Logement",
            Self::Transports => "Transports-Mobilité",
            Self::Argent => "Argent-Impots-Consommation",
            Self::Justice => "Justice",
            Self::Etranger => "Etranger-Europe",
            Self::Loisirs => "Loisirs-Sport-Culture",
        }
    }

    /// The procedure behind FranceConnect's label, if it is one of the ten.
    #[must_use]
    pub fn from_rep_scope(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|procedure| procedure.rep_scope() == label)
    }
}

impl FromStr for Procedure {
    type Err = Unknown;
    fn from_str(key: &str) -> Result<Self, Unknown> {
        Self::ALL.into_iter().find(|procedure| procedure.key() == key).ok_or(Unknown)
    }
}

impl fmt::Display for Procedure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}
