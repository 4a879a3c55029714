//! The officers' pages.

use mandataire::domain::erasure::Decision;
use mandataire::web::office::pages as office;
use mandataire::web::shell::{Person, Shell};
use mandataire::web::texts::{Language, texts};

use super::samples::{Sample, days, html};

const CITIZEN: &str = "cit_01J9ZC7TQ4N8V6XKB2E5RWAHGM";

pub(crate) fn office_pages(sample: &Sample, language: Language) -> Vec<(&'static str, String)> {
    let t = texts(language);
    let shell = |path| {
        let person = Person { name: "Inès Morel".into(), officer: true, ..Person::default() };
        Shell { person: Some(person), ..sample.shell(language, path) }
    };
    let row = |at: usize, state| office::RequestRow {
        id: format!("ers_{at}"),
        citizen: CITIZEN.into(),
        ground: t.ground_person_asked(),
        asked_by: "acc_01J9ZC7TQ4N8V6XKB2E5RWAHGM".into(),
        asked: days(at),
        ends: days(at + 30),
        state,
    };
    let states = [
        office::State::Waiting,
        office::State::Decided(Decision::Approved),
        office::State::Decided(Decision::Declined),
        office::State::Decided(Decision::Expired),
    ];
    let list = office::OfficePage {
        shell: shell("/office"),
        requests: sample.many(|at| row(at, states[at % 4])),
        pages: sample.pages(),
        holds: sample.many(|at| office::HoldRow {
            id: format!("hld_{at}"),
            person: format!("{CITIZEN}{at}"),
            ground: t.ground_inquiry(),
            since: days(at),
        }),
    };
    let ask = office::AskPage {
        shell: shell("/office/erasures/new"),
        citizen: if sample.refused { sample.full_name() } else { String::new() },
        chosen: "died".into(),
        errors: sample.errors(&["citizen", "ground", "code"]),
    };
    let page = |own, state| office::ErasurePage {
        shell: shell("/office/erasures/ers_1"),
        request: row(1, state),
        own,
        errors: if own { sample.errors(&[]) } else { sample.errors(&["code"]) },
    };
    let hold = office::HoldPage {
        shell: shell("/office/holds/new"),
        person: String::new(),
        chosen: String::new(),
        errors: sample.errors(&["person", "ground"]),
    };
    vec![
        ("office", html(&list)),
        ("office-ask", html(&ask)),
        ("office-erasure", html(&page(false, office::State::Waiting))),
        ("office-erasure-own", html(&page(true, office::State::Waiting))),
        ("office-hold", html(&hold)),
    ]
}
