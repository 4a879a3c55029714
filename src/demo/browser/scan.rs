//! A small tolerant scanner of HTML: enough to find forms, links and the text a person would read.

/// A piece of a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A start tag: its name in lower case and its attributes, unescaped.
    Start { name: String, attributes: Vec<(String, String)> },
    /// An end tag.
    End(String),
    /// Text between two tags, still escaped.
    Text(&'a str),
}

/// The pieces of a page in their order. Comments, scripts and styles are left out.
pub(super) struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    /// The pieces of the page.
    pub(super) const fn of(html: &'a str) -> Self {
        Self { rest: html }
    }

    fn skip_past(&mut self, end: &str) {
        self.rest = self.rest.split_once(end).map_or("", |(_, rest)| rest);
    }

    /// Raw text runs to its own end tag, whatever it looks like.
    fn skip_raw(&mut self, name: &str) {
        let end = format!("</{name}");
        let lower = self.rest.to_ascii_lowercase();
        self.rest = lower.find(&end).and_then(|at| self.rest.get(at..)).unwrap_or_default();
    }

    fn tag(&mut self, closing: bool) -> Option<Token<'a>> {
        let end = self.rest.find(|c: char| c.is_whitespace() || c == '>' || c == '/').unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        let name = name.to_ascii_lowercase();
        let mut attributes = Vec::new();
        while let Some(attribute) = self.attribute() {
            attributes.push(attribute);
        }
        if closing {
            return Some(Token::End(name));
        }
        if matches!(name.as_str(), "script" | "style") {
            self.skip_raw(&name);
        }
        Some(Token::Start { name, attributes })
    }

    /// The next attribute; `None` once the tag is closed.
    fn attribute(&mut self) -> Option<(String, String)> {
        self.rest = self.rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if self.rest.is_empty() {
            return None;
        }
        if let Some(rest) = self.rest.strip_prefix('>') {
            self.rest = rest;
            return None;
        }
        let end =
            self.rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '>' | '/')).unwrap_or(self.rest.len());
        // A stray `=` is a name of its own: always move on by one character at least.
        let (name, rest) = self.rest.split_at_checked(end.max(1))?;
        let name = name.to_ascii_lowercase();
        let Some(value) = rest.trim_start().strip_prefix('=') else {
            self.rest = rest;
            return Some((name, String::new()));
        };
        let value = value.trim_start();
        let (value, rest) = match value.chars().next().filter(|c| matches!(c, '"' | '\'')) {
            Some(quote) => value.get(1..).and_then(|inner| inner.split_once(quote)).unwrap_or((value, "")),
            None => {
                value.split_at_checked(value.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(value.len()))?
            }
        };
        self.rest = rest;
        Some((name, unescape(value)))
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        while !self.rest.is_empty() {
            let Some(rest) = self.rest.strip_prefix('<') else {
                let (text, rest) = self.rest.split_at_checked(self.rest.find('<').unwrap_or(self.rest.len()))?;
                self.rest = rest;
                return Some(Token::Text(text));
            };
            if rest.starts_with("!--") {
                self.skip_past("-->");
            } else if rest.starts_with(['!', '?']) {
                self.skip_past(">");
            } else if let Some(name) =
                rest.strip_prefix('/').filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()))
            {
                self.rest = name;
                return self.tag(true);
            } else if rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
                self.rest = rest;
                return self.tag(false);
            } else {
                // A lone `<` is text.
                self.rest = rest;
                return Some(Token::Text("<"));
            }
        }
        None
    }
}

/// Replaces character references: the five of HTML that templates write, the no-break space, and numbers.
pub(super) fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let reference = after.split_once(';').and_then(|(name, tail)| Some((character(name)?, tail)));
        if let Some((character, tail)) = reference {
            plain.push(character);
            rest = tail;
        } else {
            plain.push('&');
            rest = after;
        }
    }
    plain.push_str(rest);
    plain
}

fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
            None => number.parse(),
        };
        return char::from_u32(code.ok()?);
    }
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(name: &str, attributes: &[(&str, &str)]) -> Token<'static> {
        let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Token::Start { name: name.to_owned(), attributes }
    }

    #[test]
    fn attributes_come_quoted_or_not_with_or_without_a_value() {
        let html = "<INPUT type='text' NAME=a disabled value=\"x &amp; y > z\"/><br/>";
        let attributes = [("type", "text"), ("name", "a"), ("disabled", ""), ("value", "x & y > z")];
        let tokens: Vec<_> = Tokens::of(html).collect();
        assert_eq!(tokens, [start("input", &attributes), start("br", &[])]);
    }

    #[test]
    fn comments_scripts_and_doctypes_hide_what_they_contain() {
        let html = "<!doctype html><!-- <form> --><script>if (a < b) '<form>'</SCRIPT>1 < 2<p>";
        let tokens: Vec<_> = Tokens::of(html).collect();
        let text = [Token::Text("1 "), Token::Text("<"), Token::Text(" 2")];
        assert_eq!(tokens.get(..2).unwrap(), [start("script", &[]), Token::End("script".into())]);
        assert_eq!(tokens.get(2..5).unwrap(), text);
        assert_eq!(tokens.len(), 6);
    }

    #[test]
    fn broken_pages_end_without_looping() {
        for html in
            ["<", "<a", "<a href", "<a href=", "<a href=\"x", "<!--", "<script>", "</", "<a = = >", "<é>", "<a é=1 ="]
        {
            assert!(Tokens::of(html).count() < 8, "{html}");
        }
    }

    #[test]
    fn references_are_replaced_once_and_unknown_ones_kept() {
        assert_eq!(
            unescape("&#34;&#x27;&lt;&amp;lt;&nbsp;&eacute; & &#xD800; &;"),
            "\"'<&lt;\u{a0}&eacute; & &#xD800; &;"
        );
    }
}
