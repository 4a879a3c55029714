//! Answers: a line per thing for people, JSON for machines.

use serde_json::Value;

/// Prints one thing.
pub(super) fn one(json: bool, thing: &Value) {
    if json { println!("{thing}") } else { println!("{}", line(thing)) }
}

/// Prints a list: one line, or one JSON object per line.
pub(super) fn many(json: bool, things: &[Value], none: &str) {
    if things.is_empty() && !json {
        println!("{none}");
    }
    for thing in things {
        one(json, thing);
    }
}

fn line(thing: &Value) -> String {
    let Value::Object(members) = thing else { return thing.to_string() };
    let shown = members.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| match value {
        Value::String(text) => format!("{name}={text}"),
        other => format!("{name}={other}"),
    });
    shown.collect::<Vec<_>>().join("  ")
}
