//! Forms: what a browser sends for them, untouched or filled in.

use url::Url;

use super::scan::{Token, Tokens, unescape};

/// A form of a page, with the fields a browser would send if nobody touched it.
#[derive(Debug, Clone)]
pub struct Form {
    page: Url,
    action: Url,
    post: bool,
    fields: Vec<(String, String)>,
    choices: Vec<(String, String)>,
}

impl Form {
    /// The same form with one value for this field, in the place of any other.
    #[must_use]
    pub fn with(self, name: &str, value: &str) -> Self {
        self.without(name).also(name, value)
    }

    /// The same form with one value more for this field: check boxes of one name.
    #[must_use]
    pub fn also(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same form without this field.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(field, _)| field != name);
        self
    }

    /// The same fields sent to another path of the same site: what a person who forges a request would do.
    #[must_use]
    pub fn aimed_at(mut self, path: &str) -> Self {
        if let Ok(url) = self.action.join(path) {
            self.action = url;
        }
        self
    }

    /// The value of a field.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        value(&self.fields, name)
    }

    /// Every value that the form offers for a field: radio buttons, check boxes, options, named buttons.
    #[must_use]
    pub fn choices(&self, name: &str) -> Vec<&str> {
        self.choices.iter().filter(|(choice, _)| choice == name).map(|(_, value)| value.as_str()).collect()
    }

    /// Where it is sent.
    #[must_use]
    pub const fn action(&self) -> &Url {
        &self.action
    }

    /// What is sent.
    #[must_use]
    pub fn fields(&self) -> &[(String, String)] {
        &self.fields
    }

    pub(super) const fn is_post(&self) -> bool {
        self.post
    }

    pub(super) const fn page(&self) -> &Url {
        &self.page
    }
}

/// Every form of a page, in order.
pub(super) fn forms(page: &Url, html: &str) -> Vec<Form> {
    let mut reader = Reader { page, forms: Vec::new(), open: false, list: None, area: None };
    for token in Tokens::of(html) {
        match token {
            Token::Start { name, attributes } => reader.start(&name, &attributes),
            Token::End(name) => reader.end(&name),
            Token::Text(text) => reader.text(text),
        }
    }
    reader.forms
}

/// Reads forms from a page, tag after tag.
struct Reader<'a> {
    page: &'a Url,
    forms: Vec<Form>,
    open: bool,
    /// The list being read: its name, and the option a browser would send.
    list: Option<(String, Option<String>)>,
    /// The text area being read.
    area: Option<(String, String)>,
}

impl Reader<'_> {
    fn start(&mut self, name: &str, attributes: &[(String, String)]) {
        match name {
            "form" => {
                let post = value(attributes, "method").is_some_and(|method| method.eq_ignore_ascii_case("post"));
                let action = value(attributes, "action").filter(|action| !action.is_empty());
                let action = action.and_then(|action| self.page.join(action).ok()).unwrap_or_else(|| self.page.clone());
                self.open = true;
                self.forms.push(Form {
                    page: self.page.clone(),
                    action,
                    post,
                    fields: Vec::new(),
                    choices: Vec::new(),
                });
            }
            "input" | "button" => self.control(name, attributes),
            "select" => self.list = value(attributes, "name").map(|name| (name.to_owned(), None)),
            "option" => self.option(attributes),
            "textarea" => self.area = value(attributes, "name").map(|name| (name.to_owned(), String::new())),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "form" => self.open = false,
            "select" => {
                if let Some((name, Some(value))) = self.list.take() {
                    self.field(&name, &value);
                }
            }
            "textarea" => {
                if let Some((name, value)) = self.area.take() {
                    self.field(&name, &value);
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if let Some((_, value)) = &mut self.area {
            value.push_str(&unescape(text));
        }
    }

    fn control(&mut self, tag: &str, attributes: &[(String, String)]) {
        let Some(name) = value(attributes, "name").filter(|_| value(attributes, "disabled").is_none()) else { return };
        let kind =
            value(attributes, "type").unwrap_or(if tag == "button" { "submit" } else { "text" }).to_ascii_lowercase();
        let given = value(attributes, "value");
        match kind.as_str() {
            "radio" | "checkbox" => {
                let given = given.unwrap_or("on");
                self.choice(name, given);
                if value(attributes, "checked").is_some() {
                    self.field(name, given);
                }
            }
            "submit" | "image" => self.choice(name, given.unwrap_or_default()),
            "button" | "reset" | "file" => {}
            _ => self.field(name, given.unwrap_or_default()),
        }
    }

    fn option(&mut self, attributes: &[(String, String)]) {
        let Some((name, chosen)) = &mut self.list else { return };
        let given = value(attributes, "value").unwrap_or_default().to_owned();
        if chosen.is_none() || value(attributes, "selected").is_some() {
            *chosen = Some(given.clone());
        }
        let name = name.clone();
        self.choice(&name, &given);
    }

    fn current(&mut self) -> Option<&mut Form> {
        self.forms.last_mut().filter(|_| self.open)
    }

    fn field(&mut self, name: &str, value: &str) {
        if let Some(form) = self.current() {
            form.fields.push((name.to_owned(), value.to_owned()));
        }
    }

    fn choice(&mut self, name: &str, value: &str) {
        if let Some(form) = self.current() {
            form.choices.push((name.to_owned(), value.to_owned()));
        }
    }
}

/// The first value of that name.
pub(super) fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}
