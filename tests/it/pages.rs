//! Every page, filled with ordinary, empty, very long, right-to-left and hostile data, in both languages: what a browser or a
//! screen reader would stumble on is looked for in the HTML.
//!
//! To look at them: `cargo test --test it write_pages -- --ignored`, then open `target/pages`.

use mandataire::web::assets;
use mandataire::web::texts::Language;

// `cfg(test)` tells clippy that these are tests too.
#[cfg(test)]
mod auditing;
#[cfg(test)]
mod counter;
#[cfg(test)]
mod office;
#[cfg(test)]
mod others;
#[cfg(test)]
mod public;
#[cfg(test)]
mod samples;

use samples::Sample;

/// Every page of every sample: its file name and its HTML.
fn every_page() -> Vec<(String, String)> {
    let mut pages = Vec::new();
    for language in Language::ALL {
        for sample in Sample::all() {
            let fill = [
                public::public_pages,
                counter::counter_pages,
                counter::opening_pages,
                others::provider_pages,
                others::citizen_pages,
                others::auditor_pages,
                office::office_pages,
                auditing::auditing_pages,
                others::demo_pages,
            ];
            for (name, html) in fill.into_iter().flat_map(|fill| fill(&sample, language)) {
                pages.push((format!("{}-{}-{name}", language.code(), sample.name), html));
            }
        }
    }
    pages
}

/// The opening tags of a page, without their angle brackets, in order.
fn tags(html: &str) -> Vec<&str> {
    html.split('<').skip(1).filter(|tag| !tag.starts_with('/')).filter_map(|tag| tag.split('>').next()).collect()
}

fn named<'a>(html: &'a str, names: &[&str]) -> Vec<&'a str> {
    let is = |tag: &str| names.contains(&tag.split_whitespace().next().unwrap_or_default());
    tags(html).into_iter().filter(|tag| is(tag)).collect()
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split('"').next()
}

/// The values of an attribute all over the page.
fn values<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    tags(html).into_iter().filter_map(|tag| attribute(tag, name)).collect()
}

#[test]
fn a_page_has_one_title_one_language_and_nothing_inline() {
    for (name, html) in every_page() {
        assert_eq!(named(&html, &["h1"]).len(), 1, "{name}: one h1");
        assert_eq!(named(&html, &["main"]).len(), 1, "{name}: one main");
        let language = name.split('-').next();
        assert_eq!(attribute(named(&html, &["html"])[0], "lang"), language, "{name}");
        assert!(!html.contains("<title> "), "{name}: a title");
        assert!(named(&html, &["script", "style"]).is_empty(), "{name}: nothing inline");
        for tag in tags(&html) {
            let unquoted: String = tag.split('"').step_by(2).collect();
            let handler = unquoted.split(' ').any(|name| name.starts_with("on"));
            assert!(attribute(tag, "style").is_none() && !handler, "{name}: {tag}");
        }
    }
}

#[test]
fn every_field_has_a_label_and_every_form_its_token() {
    for (name, html) in every_page() {
        let labels = values(&html, "for");
        for field in named(&html, &["input", "select", "textarea"]) {
            if attribute(field, "type") == Some("hidden") {
                continue;
            }
            let id = attribute(field, "id").unwrap_or_else(|| panic!("{name}: {field}"));
            assert_eq!(labels.iter().filter(|label| **label == id).count(), 1, "{name}: {field}");
        }
        for form in html.split("<form").skip(1) {
            let posts = form.split('>').next().is_some_and(|tag| tag.contains("method=\"post\""));
            let inside = form.split("</form>").next().unwrap_or_default();
            assert_eq!(posts, inside.contains("name=\"csrf\""), "{name}: {form}");
        }
    }
}

#[test]
fn identifiers_are_unique_and_whatever_points_to_one_finds_it() {
    for (name, html) in every_page() {
        let ids = values(&html, "id");
        for id in &ids {
            assert_eq!(ids.iter().filter(|other| *other == id).count(), 1, "{name}: {id}");
        }
        let links = values(&html, "href").into_iter().filter_map(|link| link.strip_prefix('#'));
        let described = ["aria-describedby", "aria-labelledby", "for"].into_iter().flat_map(|by| values(&html, by));
        for target in links.chain(described.flat_map(str::split_whitespace)) {
            assert!(ids.contains(&target), "{name}: {target}");
        }
    }
}

#[test]
fn headings_skip_no_level_and_tables_say_what_they_are() {
    for (name, html) in every_page() {
        let mut above = 0;
        for heading in named(&html, &["h1", "h2", "h3"]) {
            let level: usize = heading[1..2].parse().unwrap();
            assert!(level <= above + 1, "{name}: h{level} after h{above}");
            above = level;
        }
        for table in html.split("<table").skip(1) {
            assert!(table.contains("<caption") || table.contains("aria-labelledby"), "{name}: a caption");
        }
        for head in named(&html, &["th"]) {
            assert!(attribute(head, "scope").is_some(), "{name}: {head}");
        }
    }
}

#[test]
fn what_people_wrote_stays_text() {
    for (name, html) in every_page() {
        assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("\" onfocus"), "{name}");
        assert!(!html.contains(">None<") && !html.contains("\"None\""), "{name}: an absent value is not a word");
    }
}

#[test]
fn each_class_on_a_page_is_known_to_the_stylesheet() {
    let mut missing: Vec<String> = Vec::new();
    for (_, html) in every_page() {
        for class in values(&html, "class").into_iter().flat_map(str::split_whitespace) {
            if !assets::STYLESHEET.contains(&format!(".{class}")) && !missing.iter().any(|known| known == class) {
                missing.push(class.to_owned());
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
#[ignore = "writes every page into target/pages, to be looked at"]
fn write_pages() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/pages");
    std::fs::create_dir_all(&folder).unwrap();
    let link = format!("<link rel=\"stylesheet\" href=\"{}\">", assets::STYLESHEET_URL);
    for (name, html) in every_page() {
        let alone = html.replace(&link, &format!("<style>{}</style>", assets::STYLESHEET));
        std::fs::write(folder.join(format!("{name}.html")), alone).unwrap();
    }
}
