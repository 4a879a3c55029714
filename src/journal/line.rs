//! An entry as a line of a file for spreadsheets. [`super::listing`] is for programs.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::listing::Listed;

/// The columns of the CSV.
const COLUMNS: [&str; 13] = [
    "at",
    "kind",
    "id",
    "organisation",
    "actor",
    "citizen",
    "mandate",
    "procedure",
    "client",
    "position",
    "leaf",
    "commitment",
    "clear",
];

/// The first line of the CSV.
#[must_use]
pub fn csv_head() -> String {
    csv_line(&COLUMNS)
}

/// An entry as a line of CSV (RFC 4180): every value quoted, and none that a spreadsheet would compute. Without a position, it waits for it.
#[must_use]
pub fn csv(listed: &Listed) -> String {
    let facts: BTreeMap<String, String> = serde_json::from_slice(&listed.clear).unwrap_or_default();
    let (leaf, commitment) = (hex(&listed.leaf), hex(&listed.commitment));
    let (text, position) = (String::from_utf8_lossy(&listed.clear), listed.position.map(|one| one.to_string()));
    let value = |column: &str| match column {
        "position" => position.as_deref().unwrap_or_default(),
        "leaf" => leaf.as_str(),
        "commitment" => commitment.as_str(),
        "clear" => text.as_ref(),
        name => facts.get(name).map_or("", String::as_str),
    };
    csv_line(&COLUMNS.map(value))
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
        let (leaf, commitment) = (vec![0xab; 32], vec![0; 32]);
        let listed = Listed { clear: clear.to_vec(), commitment, leaf, position: Some(7), path: None };
        let line = csv(&listed);
        assert!(line.starts_with("\"2026-11-22T09:00:00.000000Z\",\"use\",\"ent_1\",\"\",\"\",\"\",\"\",\"\",\"'=cmd"));
        assert!(line.contains(",\"7\",\"abab"));
        assert!(csv(&Listed { position: None, ..listed }).contains(",\"\",\"abab"), "it waits");
        assert!(line.contains(&"ab".repeat(32)) && line.contains(&"00".repeat(32)));
        assert_eq!(csv_head().matches(',').count(), COLUMNS.len() - 1);
    }
}
