//! Names that look alike. A citizen reads the name of an organisation on the mandate, and an auditor that of a mediator in a list:
//! neither can tell a Cyrillic letter from a Latin one.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_security::{MixedScript, skeleton};

/// What is left of a name for the eye: letters and digits, without case, accents, and what is drawn the same (UTS 39 4).
fn drawn(name: &str) -> String {
    let plain: String = name.nfkd().filter(|letter| !is_combining_mark(*letter)).collect();
    skeleton(&plain).filter(|letter| letter.is_alphanumeric()).collect()
}

fn lower(name: &str) -> String {
    name.chars().flat_map(char::to_lowercase).collect()
}

/// Whether one name is easily taken for the other; the same name is. Wary rather than exact: it is for a warning.
#[must_use]
pub fn alike(one: &str, other: &str) -> bool {
    // Both orders: `I` looks like `l`, and `i` does not.
    drawn(&lower(one)) == drawn(&lower(other)) || lower(&drawn(one)) == lower(&drawn(other))
}

/// Whether a word of a name mixes the letters of several scripts, which no language does.
#[must_use]
pub fn mixes_scripts(name: &str) -> bool {
    name.split(|letter: char| !letter.is_alphanumeric()).any(|word| !word.is_single_script())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_alike_is_alike() {
        for (one, other) in [
            ("Centre social de Houdan", "Centre social de Houdan"),
            ("Centre social de Houdan", "CENTRE SOCIAL  DE HOUDAN"),
            ("Centre social de Houdan", "Centre-social de Houd\u{430}n"),
            ("Centre social de Houdan", "\u{421}entre s\u{43e}cial de Houdan"),
            ("Centre social de Houdan", "Centre social de Houdan\u{200b}"),
            ("Centre social de Houdan", "\u{ff23}entre social de Houdan"),
            ("Isabelle Martin", "lsabelle Martin"),
            ("Paul O'Neil", "Pau1 O\u{2019}Neil"),
            ("Zoé", "Zoe\u{301}"),
            ("Zoé", "Zoe"),
        ] {
            assert!(alike(one, other) && alike(other, one), "{one} and {other}");
        }
    }

    #[test]
    fn what_is_read_differently_is_not_alike() {
        for (one, other) in
            [("Ana Silva", "Ana Silvan"), ("Mairie de Saint-Denis", "Mairie de Saint-Benoît"), ("Bea", "Léa")]
        {
            assert!(!alike(one, other), "{one} and {other}");
        }
    }

    #[test]
    fn a_word_is_of_one_script() {
        for fine in ["Mairie de Saint-Benoît", "ليلى بن يوسف", "Maison Пушкин", "N\u{2019}Guyễn 2", "東京タワー", ""]
        {
            assert!(!mixes_scripts(fine), "{fine}");
        }
        for mixed in ["M\u{430}irie", "\u{3bf}range", "Houd\u{430}n 2"] {
            assert!(mixes_scripts(mixed), "{mixed}");
        }
    }
}
