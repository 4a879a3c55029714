//! The source tree as text, for the tests that read it: comments and strings blanked, lines kept.

use std::path::{Path, PathBuf};
use std::{fs, iter};

/// A file of the tree.
pub(crate) struct Source {
    /// Its path from the root of the tree, with `/`.
    pub(crate) path: String,
    /// Its lines, as they are.
    pub(crate) lines: usize,
    /// Its text without what comments and strings say.
    pub(crate) code: String,
}

impl Source {
    /// A file that is not on the disk, or is.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), lines: text.lines().count(), code: code_of(text) }
    }
}

/// The root of the tree.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below the folders, in order.
pub(crate) fn rust_files(folders: &[&str]) -> Vec<Source> {
    let mut paths: Vec<PathBuf> = folders.iter().flat_map(|folder| below(&root().join(folder))).collect();
    paths.sort();
    let rust = paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    rust.map(|path| Source::new(&from_root(path), &fs::read_to_string(path).unwrap())).collect()
}

fn from_root(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/")
}

/// A file, or every file below a folder but for installed packages.
fn below(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let Ok(entries) = fs::read_dir(path) else { return Vec::new() };
    let entries = entries.map(|entry| entry.unwrap().path());
    entries.filter(|path| !path.ends_with("node_modules")).flat_map(|path| below(&path)).collect()
}

/// The text with every character of a comment or a string replaced by a space, so that lines and columns stay.
fn code_of(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            'r' | 'b' | 'c' if !code.ends_with(is_word) => string_with_prefix(rest),
            '"' => string(rest),
            '\'' => character(rest),
            _ => 0,
        };
        if length == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            let (hidden, after) = rest.split_at(length);
            code.extend(hidden.chars().map(|character| if character == '\n' { '\n' } else { ' ' }));
            rest = after;
        }
    }
    code
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Block comments nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let here = &text[at..];
        let (step, change) = match here {
            _ if here.starts_with("/*") => (2, 1),
            _ if here.starts_with("*/") => (2, -1),
            _ => (here.chars().next().map_or(1, char::len_utf8), 0),
        };
        at += step;
        depth += change;
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// A string that starts with a quotation mark, with its escapes.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// `r"…"`, `br#"…"#`, `b"…"`, `c"…"`; nothing if this is a word instead.
fn string_with_prefix(text: &str) -> usize {
    let prefix = ["br", "cr", "r", "b", "c"].into_iter().find(|prefix| text.starts_with(prefix)).unwrap_or("");
    let after = &text[prefix.len()..];
    let marks = after.chars().take_while(|character| *character == '#').count();
    if !after[marks..].starts_with('"') {
        return 0;
    }
    if !prefix.ends_with('r') {
        return if marks == 0 { prefix.len() + string(after) } else { 0 };
    }
    let end: String = iter::once('"').chain(iter::repeat_n('#', marks)).collect();
    let body = prefix.len() + marks + 1;
    text[body..].find(&end).map_or(text.len(), |at| body + at + end.len())
}

/// `'a'` or `'\n'`; nothing for a lifetime.
fn character(text: &str) -> usize {
    if text.starts_with("'\\") {
        return text[3..].find('\'').map_or(text.len(), |at| at + 4);
    }
    let mut characters = text.char_indices().skip(2);
    characters.next().filter(|(_, character)| *character == '\'').map_or(0, |(at, _)| at + 1)
}

#[test]
fn comments_and_strings_say_nothing_and_lines_stay() {
    let text = "a /* diesel\n /* x */ actix */ b // tokio\nc \"die\\\"sel\" d r#\"act\"ix\"# 'e' '\\'' f::<'a>(br\"x\") bar\"s\"";
    let words: Vec<Vec<String>> =
        code_of(text).lines().map(|line| line.split_whitespace().map(str::to_owned).collect()).collect();
    assert_eq!(words, [vec!["a"], vec!["b"], vec!["c", "d", "f::<'a>(", ")", "bar"]]);
}
