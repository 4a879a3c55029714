//! An entry as a line of a file: for spreadsheets, and for programs.

use std::collections::BTreeMap;
use std::fmt::Write;

/// The columns of the CSV. Proofs come after the leaf hash that they are about.
const COLUMNS: [&str; 12] = [
    "at",
    "kind",
    "id",
    "organisation",
    "actor",
    "citizen",
    "mandate",
    "procedure",
    "client",
    "leaf",
    "commitment",
    "clear",
];

/// The first line of the CSV.
#[must_use]
pub fn csv_head() -> String {
    csv_line(&COLUMNS)
}

/// An entry as a line of CSV (RFC 4180): every value quoted, and none that a spreadsheet would compute.
#[must_use]
pub fn csv(clear: &[u8], leaf: &[u8], commitment: &[u8]) -> String {
    let facts: BTreeMap<String, String> = serde_json::from_slice(clear).unwrap_or_default();
    let (leaf, commitment, text) = (hex(leaf), hex(commitment), String::from_utf8_lossy(clear));
    let value = |column: &str| match column {
        "leaf" => leaf.as_str(),
        "commitment" => commitment.as_str(),
        "clear" => text.as_ref(),
        name => facts.get(name).map_or("", String::as_str),
    };
    csv_line(&COLUMNS.map(value))
}

/// An entry as a line of JSON. The clear part is a text: its bytes are what the leaf hash is made of.
#[must_use]
pub fn json(clear: &[u8], leaf: &[u8], commitment: &[u8]) -> String {
    let clear = String::from_utf8_lossy(clear);
    let mut line = serde_json::json!({ "clear": clear, "commitment": hex(commitment), "leaf": hex(leaf) }).to_string();
    line.push('\n');
    line
}

fn csv_line(values: &[&str]) -> String {
    let mut line = String::new();
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            line.push(',');
        }
        line.push('"');
        // CWE-1236: a spreadsheet takes these beginnings for a formula. The apostrophe makes a text of it.
        if value.starts_with(['=', '+', '-', '@', '\t', '\r']) {
            line.push('\'');
        }
        line.push_str(&value.replace('"', "\"\""));
        line.push('"');
    }
    line.push_str("\r\n");
    line
}

/// Bytes in hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// I03: what a spreadsheet would compute begins with an apostrophe, inside its quotes.
    #[test]
    fn i03_no_cell_begins_with_a_formula() {
        for formula in ["=1+1", "+33", "-2", "@SUM(A1)", "\tx", "\rx"] {
            let line = csv_line(&[formula]);
            assert_eq!(line, format!("\"'{formula}\"\r\n"));
        }
        for plain in ["", "a=1", "'", "0", " =1", "{\"a\":\"=1\"}"] {
            assert!(!csv_line(&[plain]).starts_with("\"'") || plain == "'", "{plain}");
        }
        assert_eq!(csv_line(&["a\"b", "c,d\ne"]), "\"a\"\"b\",\"c,d\ne\"\r\n");
    }

    #[test]
    fn a_line_has_every_column_and_the_leaf() {
        let clear = br#"{"at":"2026-11-22T09:00:00.000000Z","client":"=cmd|' /C calc'!A0","id":"ent_1","kind":"use"}"#;
        let line = csv(clear, &[0xab; 32], &[0; 32]);
        assert!(line.starts_with("\"2026-11-22T09:00:00.000000Z\",\"use\",\"ent_1\",\"\",\"\",\"\",\"\",\"\",\"'=cmd"));
        assert!(line.contains(&"ab".repeat(32)) && line.contains(&"00".repeat(32)));
        assert_eq!(csv_head().matches(',').count(), COLUMNS.len() - 1);
        let json: serde_json::Value = serde_json::from_str(&json(clear, &[0xab; 32], &[0; 32])).unwrap();
        assert_eq!(json["clear"].as_str().unwrap().as_bytes(), clear, "byte for byte");
        assert_eq!(json["leaf"], "ab".repeat(32));
    }
}
