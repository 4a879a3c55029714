//! What surrounds every page: who is signed in, for which organisation, in which language.

use super::texts::{Language, Texts};

/// The frame of a page.
#[derive(Debug, Clone)]
pub struct Shell {
    /// The texts of the page's language.
    pub t: &'static Texts,
    /// The page's language.
    pub language: Language,
    /// Token of the hidden field `csrf`; forms have none without it.
    pub csrf: Option<String>,
    /// Local address of this page, with its query: where a change of language comes back to.
    pub path: String,
    /// Name of the service.
    pub service_name: String,
    /// E-mail address of the operator.
    pub contact: String,
    /// Address of the stylesheet.
    pub stylesheet: &'static str,
    /// Who is signed in.
    pub person: Option<Person>,
    /// One sentence about what has just been done.
    pub notice: Option<String>,
    /// Whether everything is invented: a banner says so.
    pub demo: bool,
}

/// Who is signed in, and what they may do: the menu shows nothing else.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "five independent rights, any combination of which exists")]
pub struct Person {
    /// Their name.
    pub name: String,
    /// Full name of the current organisation.
    pub organisation: Option<String>,
    /// Every organisation of theirs (identifier, full name), the current one included.
    pub organisations: Vec<(String, String)>,
    /// Works in the current organisation: reads citizens and mandates.
    pub member: bool,
    /// Opens and uses mandates.
    pub mediator: bool,
    /// Manages the current organisation.
    pub manager: bool,
    /// Reads the journal.
    pub auditor: bool,
    /// Decides about holds and erasures.
    pub officer: bool,
}

impl Person {
    /// Whether there is another organisation to change to.
    #[must_use]
    pub fn has_choice(&self) -> bool {
        self.organisations.len() > 1
    }

    /// Whether that organisation is the current one.
    #[must_use]
    pub fn is_in(&self, name: &str) -> bool {
        self.organisation.as_deref() == Some(name)
    }
}

impl Shell {
    /// Where the service starts for whoever looks at this page.
    #[must_use]
    pub fn start(&self) -> &'static str {
        match &self.person {
            Some(person) if person.member => "/home",
            Some(person) if person.auditor => "/journal",
            Some(person) if person.officer => "/office",
            _ => "/",
        }
    }

    /// Whether a link of the menu leads to the part of the service where this page is.
    #[must_use]
    pub fn is_at(&self, link: &str) -> bool {
        let path = self.path.split('?').next().unwrap_or_default();
        path == link || path.strip_prefix(link).is_some_and(|rest| rest.starts_with('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::texts::texts;

    #[test]
    fn a_link_is_current_on_its_page_and_below_it_only() {
        let shell = Shell {
            t: texts(Language::Fr),
            language: Language::Fr,
            csrf: None,
            path: "/citizens/cit_1?after=x".into(),
            service_name: String::new(),
            contact: String::new(),
            stylesheet: "",
            person: None,
            notice: None,
            demo: false,
        };
        assert!(shell.is_at("/citizens"));
        assert!(!shell.is_at("/cit"));
        assert!(!shell.is_at("/home"));
    }
}
