//! How a name is searched: folded, and by its beginnings.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::Identity;

/// The longest beginning of a name that the search index holds, in characters.
pub const LONGEST_BEGINNING: usize = 6;
/// The shortest text a search accepts, in characters.
pub const SHORTEST_SEARCH: usize = 3;

/// The words of a name as the search compares them: lower case, without accents, split at whatever is not a letter or digit.
#[must_use]
pub fn search_words(name: &str) -> Vec<String> {
    let folded: String = name.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect();
    folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The first `count` characters of a word.
#[must_use]
pub fn beginning(word: &str, count: usize) -> &str {
    word.char_indices().nth(count).and_then(|(end, _)| word.get(..end)).unwrap_or(word)
}

impl Identity {
    /// Who somebody is, written in one way: names folded, then birth and gender. Two providers write one person differently.
    #[must_use]
    pub fn pivot(&self) -> String {
        let names = [&self.given_name, &self.family_name].map(|name| search_words(name).join(" "));
        let birthplace = self.birthplace.as_ref().map_or("", |place| place.as_str());
        let birth = [self.birthdate.as_str(), birthplace, self.birthcountry.as_str(), self.gender.as_str()];
        format!("{}|{}", names.join("|"), birth.join("|"))
    }

    /// Every beginning of every word of the names, from the shortest search to the longest the index holds.
    #[must_use]
    pub fn search_beginnings(&self) -> BTreeSet<String> {
        let names = [Some(&self.given_name), Some(&self.family_name), self.preferred_username.as_ref()];
        let words = names.into_iter().flatten().flat_map(|name| search_words(name));
        words
            .flat_map(|word| {
                let longest = word.chars().count().min(LONGEST_BEGINNING);
                // A name of one or two letters is found when it is typed whole.
                let shortest = longest.min(SHORTEST_SEARCH);
                (shortest..=longest).map(move |count| beginning(&word, count).to_owned())
            })
            .collect()
    }

    /// Whether every word asked for begins a word of the names.
    #[must_use]
    pub fn answers_to(&self, asked: &[String]) -> bool {
        if asked.is_empty() {
            return true;
        }
        let names = [Some(&self.given_name), Some(&self.family_name), self.preferred_username.as_ref()];
        let words: Vec<_> = names.into_iter().flatten().flat_map(|name| search_words(name)).collect();
        asked.iter().all(|begin| words.iter().any(|word| word.starts_with(begin.as_str())))
    }
}
