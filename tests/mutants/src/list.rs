//! The mutants, as `cargo mutants --list --json` names them.

use serde_json::Value;

/// What becomes of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Genre {
    Function,
    Binary,
    Unary,
    Guard,
    Arm,
    Field,
    /// None that is known here.
    Other,
}

/// One mutant. Its number is its place in the list.
#[derive(Debug, Clone)]
pub(crate) struct Mutant {
    pub(crate) number: usize,
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) genre: Genre,
    /// What stands there instead.
    pub(crate) replacement: String,
    /// Line and column, both from 1.
    pub(crate) at: (usize, usize),
}

pub(crate) fn read(text: &str) -> Vec<Mutant> {
    let list: Vec<Value> = serde_json::from_str(text).expect("a list of cargo mutants");
    list.iter().enumerate().map(|(number, one)| mutant(number, one)).collect()
}

fn mutant(number: usize, one: &Value) -> Mutant {
    let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
    let place =
        |name: &str| usize::try_from(one["span"]["start"][name].as_u64().unwrap_or_default()).unwrap_or_default();
    let genre = match text("genre").as_str() {
        "FnValue" => Genre::Function,
        "BinaryOperator" => Genre::Binary,
        "UnaryOperator" => Genre::Unary,
        "MatchArmGuard" => Genre::Guard,
        "MatchArm" => Genre::Arm,
        "StructField" => Genre::Field,
        _ => Genre::Other,
    };
    let at = (place("line"), place("column"));
    Mutant { number, name: text("name"), file: text("file"), genre, replacement: text("replacement"), at }
}
