//! Parameters of a request, each at most once (RFC 6749 3.1).

/// Most bytes of parameters that are read.
pub const LONGEST: usize = 65_536;
/// Longest single value.
const LONGEST_VALUE: usize = 16_384;
/// Most parameters that are read.
const MOST: usize = 64;

/// A parameter was sent twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duplicated;

/// The parameters of a request, in the order sent.
#[derive(Clone)]
pub struct Params(pub(super) Vec<(String, String)>);

impl Params {
    /// Reads `application/x-www-form-urlencoded` text. None if it is too long or holds a NUL.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(text).into_owned().take(MOST + 1).collect();
        let fits = |(name, value): &(String, String)| {
            value.len() <= LONGEST_VALUE && !name.contains('\0') && !value.contains('\0')
        };
        (pairs.len() <= MOST && pairs.iter().all(fits)).then_some(Self(pairs))
    }

    /// The value of a parameter. An empty value counts as absent (RFC 6749 3.1).
    ///
    /// # Errors
    /// It was sent more than once.
    pub fn one(&self, name: &str) -> Result<Option<&str>, Duplicated> {
        let mut values = self.0.iter().filter(|(given, _)| given == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(Duplicated),
            (value, None) => Ok(value.filter(|value| !value.is_empty())),
        }
    }

    /// Whether any parameter was sent more than once.
    #[must_use]
    pub fn any_duplicated(&self) -> bool {
        self.0.iter().enumerate().any(|(at, (name, _))| self.0.iter().take(at).any(|(earlier, _)| earlier == name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_sent_twice_is_refused_and_an_empty_one_is_absent() {
        let params = Params::parse(b"a=1&b=&a=2&c=3").unwrap();
        assert_eq!(params.one("a"), Err(Duplicated));
        assert_eq!(params.one("b"), Ok(None));
        assert_eq!(params.one("c"), Ok(Some("3")));
        assert!(params.any_duplicated());
        assert!(Params::parse(b"a=%00").is_none());
        assert!(Params::parse("a=1&".repeat(65).as_bytes()).is_none());
        assert!(Params::parse(&vec![b'a'; LONGEST + 1]).is_none());
    }
}
