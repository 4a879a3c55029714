//! JSON that has one reading only. A repeated member is read differently by different parsers, which is how a signed text
//! comes to mean two things; RFC 7515 §4 and RFC 7519 §4 let us refuse it.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// Where a text stops being what it should be. Nothing of the text itself: it may hold a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unusable JSON ({category:?}) at line {line}, column {column}")]
pub struct Malformed {
    category: serde_json::error::Category,
    line: usize,
    column: usize,
}

impl From<&serde_json::Error> for Malformed {
    fn from(error: &serde_json::Error) -> Self {
        Self { category: error.classify(), line: error.line(), column: error.column() }
    }
}

/// Reads a value out of a text without repeated members, at any depth.
pub(in crate::oidc) fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, Malformed> {
    serde_json::from_slice::<Unambiguous>(text).map_err(|error| Malformed::from(&error))?;
    serde_json::from_slice(text).map_err(|error| Malformed::from(&error))
}

/// Any JSON value without repeated members, read and forgotten.
struct Unambiguous;

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Unambiguous;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_str<E>(self, _: &str) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_unit<E>(self) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Unambiguous, A::Error> {
        while items.next_element::<Unambiguous>()?.is_some() {}
        Ok(Unambiguous)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Unambiguous, A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if !names.insert(name) {
                return Err(A::Error::custom("a member is repeated"));
            }
            members.next_value::<Unambiguous>()?;
        }
        Ok(Unambiguous)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::value::{BytesDeserializer, Error};
    use serde_json::Value;

    #[test]
    fn a_repeated_member_is_refused_however_deep_or_disguised() {
        for refused in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":[{"a":1,"b":2,"a":null}]}"#,
            r#"{"a":1} {"a":2}"#,
            "",
            "{",
            "<html>",
        ] {
            assert!(read::<Value>(refused.as_bytes()).is_err(), "{refused}");
        }
        assert!(read::<Value>(&b"[".repeat(100_000)).is_err());
        assert!(read::<Value>(br#"{"a":{"a":[1,-1,1.5,true,null,"a"]},"b":{"a":1}}"#).is_ok());
    }

    #[test]
    fn a_refusal_says_where_and_never_what() {
        let refused = read::<u8>(b"\n\"s3cret\"").unwrap_err();
        assert_eq!(refused.to_string(), "unusable JSON (Data) at line 2, column 8");
    }

    #[test]
    fn bytes_are_no_json_value() {
        let refused = Unambiguous::deserialize(BytesDeserializer::<Error>::new(b"x")).err().unwrap();
        assert_eq!(refused.to_string(), "invalid type: byte array, expected a JSON value");
    }
}
