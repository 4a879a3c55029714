//! Signing in: the link, the code, the first time, and everything that must not open the door.

#[cfg(test)]
mod code;
#[cfg(test)]
mod first;
#[cfg(test)]
mod link;
#[cfg(test)]
mod races;
#[cfg(test)]
mod requests;

use mandataire::demo::browser::Page;

/// The one sentence of every refused sign-in.
const REFUSED: &str = "Ce lien ou ce code n’est pas accepté.";

/// Asserts that a sign-in was refused with the one page.
fn refused(page: &Page) {
    assert_eq!(page.status, 422, "{}", page.text());
    assert!(page.text().contains(REFUSED), "{}", page.text());
}

/// What two answers have in common when nothing tells them apart: status, names of headers, and the page without what is
/// drawn for each of them.
fn seen(page: &Page) -> (u16, Vec<String>, String) {
    let mut names: Vec<_> = page.headers.keys().map(ToString::to_string).collect();
    names.sort();
    let mut body = page.body.clone();
    for form in page.forms() {
        for name in ["csrf", "token"] {
            body = form
                .value(name)
                .filter(|value| !value.is_empty())
                .map_or(body.clone(), |value| body.replace(value, name));
        }
    }
    (page.status, names, body)
}
