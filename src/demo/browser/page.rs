//! A page as a person sees it: its text, its links, its forms.

use reqwest::header::{HeaderMap, LOCATION};
use url::Url;

use super::form::{Form, forms, value};
use super::scan::{Token, Tokens, unescape};

/// An address that answered with a redirect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// The address.
    pub url: Url,
    /// Its status.
    pub status: u16,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Page {
    /// Where it comes from, after the redirects.
    pub url: Url,
    /// Status of the answer.
    pub status: u16,
    /// Headers of the answer.
    pub headers: HeaderMap,
    /// Body of the answer.
    pub body: String,
    /// The redirects that led here, in order.
    pub hops: Vec<Hop>,
}

/// A link of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Where it leads.
    pub url: Url,
    /// What it says.
    pub text: String,
}

impl Page {
    /// A header of the answer, if it is there and readable.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Where a redirect leads; `None` for any other answer.
    #[must_use]
    pub fn location(&self) -> Option<Url> {
        let text = self.headers.get(LOCATION)?.to_str().ok()?;
        (300..400).contains(&self.status).then(|| self.url.join(text).ok())?
    }

    /// The first address passed by, or reached, that starts with `prefix`.
    #[must_use]
    pub fn passed(&self, prefix: &str) -> Option<&Url> {
        self.hops.iter().map(|hop| &hop.url).chain([&self.url]).find(|url| url.as_str().starts_with(prefix))
    }

    /// What a person reads, with single spaces.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for token in Tokens::of(&self.body) {
            match token {
                Token::Text(part) => text.push_str(&unescape(part)),
                Token::Start { name, .. } | Token::End(name) if !is_inline(&name) => text.push(' '),
                Token::Start { .. } | Token::End(_) => {}
            }
        }
        text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Every value of an attribute on the page, in order.
    #[must_use]
    pub fn attributes(&self, name: &str) -> Vec<String> {
        let named = |token| match token {
            Token::Start { attributes, .. } => value(&attributes, name).map(ToOwned::to_owned),
            _ => None,
        };
        Tokens::of(&self.body).filter_map(named).collect()
    }

    /// Every link, in order.
    #[must_use]
    pub fn links(&self) -> Vec<Link> {
        let mut links: Vec<Link> = Vec::new();
        let mut open = false;
        for token in Tokens::of(&self.body) {
            match token {
                Token::Start { name, attributes } if name == "a" => {
                    let target = value(&attributes, "href").and_then(|href| self.url.join(href).ok());
                    open = target.is_some();
                    links.extend(target.map(|url| Link { url, text: String::new() }));
                }
                Token::End(name) if name == "a" => open = false,
                Token::Text(part) if open => {
                    if let Some(link) = links.last_mut() {
                        link.text.push_str(&unescape(part));
                    }
                }
                _ => {}
            }
        }
        links
    }

    /// The first link whose path starts with `prefix` (or whose whole address does, if `prefix` is one).
    #[must_use]
    pub fn link(&self, prefix: &str) -> Option<Url> {
        self.links().into_iter().map(|link| link.url).find(|url| target(url, prefix).is_some())
    }

    /// The form whose action is `prefix`, or else the first whose action starts with it.
    #[must_use]
    pub fn form(&self, prefix: &str) -> Option<Form> {
        let mut forms = self.forms();
        let exact = forms.iter().position(|form| target(form.action(), prefix) == Some(""));
        let chosen = exact.or_else(|| forms.iter().position(|form| target(form.action(), prefix).is_some()))?;
        Some(forms.swap_remove(chosen))
    }

    /// Every form, in order.
    #[must_use]
    pub fn forms(&self) -> Vec<Form> {
        forms(&self.url, &self.body)
    }
}

/// What follows `prefix` in the path of an address, or in the whole address if `prefix` is one.
fn target<'a>(url: &'a Url, prefix: &str) -> Option<&'a str> {
    if prefix.starts_with('/') { url.path().strip_prefix(prefix) } else { url.as_str().strip_prefix(prefix) }
}

fn is_inline(name: &str) -> bool {
    const INLINE: [&str; 14] =
        ["a", "abbr", "b", "bdi", "bdo", "cite", "code", "em", "i", "mark", "small", "span", "strong", "time"];
    INLINE.contains(&name)
}

#[cfg(test)]
mod tests;
