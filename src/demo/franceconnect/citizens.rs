//! The invented people who can sign in: every shape of civil status that goes wrong in real services.

use super::identity::Identity;

/// An invented person.
#[derive(Debug)]
pub struct Citizen {
    /// What the form sends to choose this person.
    pub key: &'static str,
    /// What this person is there to show, in French.
    pub note: &'static str,
    given_name: &'static str,
    family_name: &'static str,
    preferred_username: Option<&'static str>,
    birthdate: &'static str,
    gender: &'static str,
    birthplace: &'static str,
    birthcountry: &'static str,
}

impl Citizen {
    /// The person's civil status and e-mail address.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity {
            given_name: self.given_name.to_owned(),
            family_name: self.family_name.to_owned(),
            preferred_username: self.preferred_username.map(ToOwned::to_owned),
            birthdate: self.birthdate.to_owned(),
            gender: self.gender.to_owned(),
            birthplace: self.birthplace.to_owned(),
            birthcountry: self.birthcountry.to_owned(),
            email: format!("{}@usagers.example.fr", self.key),
        }
    }
}

/// The person of the guided tour: nothing special about her.
pub const PLAIN: &str = "josephine";

/// The person with that key.
#[must_use]
pub fn find(key: &str) -> Option<&'static Citizen> {
    CITIZENS.iter().find(|citizen| citizen.key == key)
}

/// The person whom the civil status register knows under exactly this status: stands for the question to INSEE.
pub(super) fn registered(identity: &Identity) -> Option<&'static Citizen> {
    let status = |identity: &Identity| Identity { preferred_username: None, email: String::new(), ..identity.clone() };
    CITIZENS.iter().find(|citizen| status(&citizen.identity()) == status(identity))
}

const COMMON: Citizen = Citizen {
    key: PLAIN,
    note: "Nom d'usage, née en France : le cas courant",
    given_name: "Joséphine Marie",
    family_name: "LEMOINE",
    preferred_username: Some("DUBOIS"),
    birthdate: "1956-03-14",
    gender: "female",
    birthplace: "44109",
    birthcountry: "99100",
};

/// Everyone, in the order of the list.
pub static CITIZENS: [Citizen; 11] = [
    COMMON,
    Citizen {
        key: "bernard",
        note: "Pas de nom d'usage",
        given_name: "Bernard",
        family_name: "O'CONNOR-LE GOFF",
        preferred_username: None,
        birthdate: "1949-12-31",
        gender: "male",
        birthplace: "29232",
        ..COMMON
    },
    Citizen {
        key: "awa",
        note: "Née à l'étranger, jour et mois de naissance inconnus",
        given_name: "Awa",
        family_name: "DIALLO",
        preferred_username: None,
        birthdate: "1980-00-00",
        birthplace: "",
        birthcountry: "99341",
        ..COMMON
    },
    Citizen {
        key: "sami",
        note: "Né à l'étranger, jour de naissance inconnu",
        given_name: "Sami",
        family_name: "HADDAD",
        preferred_username: None,
        birthdate: "1992-11-00",
        gender: "male",
        birthplace: "",
        birthcountry: "99205",
    },
    Citizen {
        key: "anghjula",
        note: "Née en Corse",
        given_name: "Anghjula Maria",
        family_name: "PAOLI",
        preferred_username: None,
        birthdate: "1962-08-24",
        birthplace: "2A004",
        ..COMMON
    },
    Citizen {
        key: "camille",
        note: "Genre non précisé à l'état civil",
        given_name: "Camille Dominique",
        family_name: "FERRAND",
        preferred_username: None,
        birthdate: "1988-02-29",
        gender: "unspecified",
        birthplace: "69384",
        ..COMMON
    },
    Citizen {
        key: "guilhem",
        note: "Noms très longs",
        given_name: "Guilhem Jean-Baptiste Marie-Joseph Louis-Alexandre Pierre-Emmanuel Charles-Édouard \
                     François-Xavier Henri-Frédéric Anne-Hilarion Maximilien Théodore Barthélemy",
        family_name: "DE LA ROCHEFOUCAULD-MONTMORENCY-LAVAL DE SAINT-SYMPHORIEN-D'OZON ET DE VILLENEUVE-LÈS-MAGUELONE",
        preferred_username: Some("DE LA ROCHEFOUCAULD-MONTMORENCY-LAVAL"),
        birthdate: "1937-07-07",
        gender: "male",
        birthplace: "34172",
        ..COMMON
    },
    Citizen {
        key: "leila",
        note: "Nom écrit de droite à gauche",
        given_name: "ليلى",
        family_name: "بن يوسف",
        preferred_username: None,
        birthdate: "1971-05-09",
        birthplace: "",
        birthcountry: "99351",
        ..COMMON
    },
    Citizen {
        key: "anh",
        note: "Lettres composées et apostrophe typographique",
        given_name: "Ánh Nguyệt",
        family_name: "N’GUYỄN",
        preferred_username: Some("D’ALMEIDA & FILS"),
        birthdate: "1968-02-01",
        birthplace: "",
        birthcountry: "99243",
        ..COMMON
    },
    Citizen {
        key: "paul",
        note: "Né outre-mer",
        given_name: "Paul Émile",
        family_name: "HOARAU",
        preferred_username: None,
        birthdate: "1975-10-20",
        gender: "male",
        birthplace: "97411",
        ..COMMON
    },
    Citizen {
        key: "lucie",
        note: "Mineure : un mandat doit être refusé",
        given_name: "Lucie",
        family_name: "MARCHAND",
        preferred_username: None,
        birthdate: "2014-05-17",
        birthplace: "13055",
        ..COMMON
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::citizen;

    #[test]
    fn everyone_has_an_identity_of_the_trade_and_a_key_of_their_own() {
        for citizen in &CITIZENS {
            let identity = citizen.identity();
            let claims = citizen::Claims {
                given_name: Some(identity.given_name.clone()),
                family_name: Some(identity.family_name.clone()),
                preferred_username: identity.preferred_username.clone(),
                birthdate: Some(identity.birthdate.clone()),
                gender: Some(identity.gender.clone()),
                birthplace: Some(identity.birthplace.clone()),
                birthcountry: Some(identity.birthcountry.clone()),
                email: Some(identity.email.clone()),
            };
            assert!(citizen::Identity::try_from(claims).is_ok(), "{}", citizen.key);
            assert!(std::ptr::eq(registered(&identity).unwrap(), citizen));
            assert!(std::ptr::eq(find(citizen.key).unwrap(), citizen));
        }
    }
}
