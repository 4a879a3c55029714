//! Turns the texts of each language into one typed method per text, and gives the stylesheet and the icon addresses that
//! change with their content. A text missing in one language, or with other placeholders, stops the build with a sentence.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

type Texts = BTreeMap<String, String>;

fn main() -> Result<(), Box<dyn Error>> {
    let (french, english) = (read("fr")?, read("en")?);
    match methods(&french, &english) {
        Ok(code) => fs::write(PathBuf::from(env::var("OUT_DIR")?).join("texts.rs"), code)?,
        Err(sentences) => sentences.iter().for_each(|sentence| println!("cargo::error={sentence}")),
    }
    for (variable, file) in [("STYLESHEET_HASH", "style.css"), ("FAVICON_HASH", "favicon.svg")] {
        println!("cargo::rustc-env={variable}={:016x}", fnv1a(&fs::read(source(file))?));
    }
    Ok(())
}

fn source(file: &str) -> PathBuf {
    let path = Path::new("src/web").join(file);
    println!("cargo::rerun-if-changed={}", path.display());
    path
}

fn read(language: &str) -> Result<Texts, Box<dyn Error>> {
    Ok(toml::from_str(&fs::read_to_string(source(&format!("texts/{language}.toml")))?)?)
}

/// FNV-1a, 64 bits: it names a version of a file, it protects nothing.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The code of every method, or a sentence for every fault.
fn methods(french: &Texts, english: &Texts) -> Result<String, Vec<String>> {
    let mut faults = Vec::new();
    let mut code = String::from("impl Texts {\n");
    for key in english.keys().filter(|key| !french.contains_key(*key)) {
        faults.push(format!("the text `{key}` is missing in src/web/texts/fr.toml"));
    }
    for (key, fr) in french {
        let Some(en) = english.get(key) else {
            faults.push(format!("the text `{key}` is missing in src/web/texts/en.toml"));
            continue;
        };
        let (arguments, others) = (placeholders(fr), placeholders(en));
        if arguments.iter().any(|name| !others.contains(name)) || others.iter().any(|name| !arguments.contains(name)) {
            faults.push(format!("the text `{key}` has other placeholders in fr.toml than in en.toml"));
        }
        method(&mut code, key, &arguments, fr, en);
        if let Some(stem) = key.strip_suffix("_one") {
            plural(&mut code, stem);
            if !french.contains_key(&format!("{stem}_other")) {
                faults.push(format!("the text `{key}` has no plural `{stem}_other`"));
            }
        }
    }
    code.push_str("}\n");
    if faults.is_empty() { Ok(code) } else { Err(faults) }
}

/// The names between braces, each once, in the order of the text.
fn placeholders(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for part in text.split('{').skip(1) {
        let name = part.split('}').next().unwrap_or_default();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Writing to a `String` cannot fail: the results are dropped.
fn method(code: &mut String, key: &str, arguments: &[&str], fr: &str, en: &str) {
    let _ = writeln!(code, "    /// {}\n    #[must_use]", fr.replace('[', "(").replace(']', ")").replace('\n', " "));
    if arguments.is_empty() {
        let _ = writeln!(
            code,
            "    pub const fn {key}(&self) -> &'static str {{\n        self.pick({fr:?}, {en:?})\n    }}"
        );
        return;
    }
    let list: Vec<String> = arguments.iter().map(|name| format!("{name}: impl Display")).collect();
    let _ = writeln!(code, "    pub fn {key}(&self, {}) -> String {{", list.join(", "));
    // Two identical arms would be a lint.
    let _ = if fr == en {
        writeln!(code, "        format!({fr:?})\n    }}")
    } else {
        let arms = format!("Language::Fr => format!({fr:?}),\n            Language::En => format!({en:?}),");
        writeln!(code, "        match self.language {{\n            {arms}\n        }}\n    }}")
    };
}

/// French counts zero as singular, English does not.
fn plural(code: &mut String, stem: &str) {
    let _ = writeln!(
        code,
        "    /// `{stem}_one` or `{stem}_other`, as the language counts.\n    #[must_use]\n    \
         pub fn {stem}(&self, count: usize) -> String {{\n        \
         if self.is_singular(count) {{ self.{stem}_one(count) }} else {{ self.{stem}_other(count) }}\n    }}"
    );
}
