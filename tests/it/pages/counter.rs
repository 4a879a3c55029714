//! The mediator's pages.

use mandataire::domain::procedure::Procedure;
use mandataire::domain::term::Term;
use mandataire::web::counter::{opening_pages as opening, pages as counter};
use mandataire::web::parts::{Badge, Errors};
use mandataire::web::texts::{Language, texts};

use super::samples::{BADGES, Sample, days, html, titles};

pub(crate) fn counter_pages(sample: &Sample, language: Language) -> Vec<(&'static str, String)> {
    let shell = |path| sample.signed_in(language, path);
    let list = |tab, query: &str, too_short, rows| {
        html(&counter::CitizensPage {
            shell: shell("/citizens"),
            tab,
            query: query.into(),
            too_short,
            rows,
            pages: sample.pages(),
        })
    };
    let revocation = |procedure: Option<&str>| {
        html(&counter::RevocationPage {
            shell: shell("/mandates/mdt_1/revocation"),
            mandate_id: "mdt_1".into(),
            citizen: sample.full_name(),
            procedure: procedure.map(Into::into),
            stopped: titles(language, if procedure.is_some() { 1 } else { 4 }),
            reason: String::new(),
            errors: sample.errors(&["reason"]),
        })
    };
    vec![
        ("today", html(&today(sample, language))),
        ("citizens", list(counter::Tab::Active, "", false, sample.rows(language))),
        ("citizens-ended", list(counter::Tab::Ended, &sample.full_name(), false, sample.rows(language))),
        ("citizens-short", list(counter::Tab::Active, "jo", true, Vec::new())),
        ("citizen", html(&person(sample, language))),
        ("mandate", html(&mandate(sample, language))),
        ("revocation", revocation(None)),
        ("revocation-one", revocation(Some("argent"))),
    ]
}

fn today(sample: &Sample, language: Language) -> counter::TodayPage {
    counter::TodayPage {
        shell: sample.signed_in(language, "/home"),
        can_open: true,
        uses: sample.many(|at| counter::AwaitedUse {
            id: format!("use_{at}"),
            at: days(0),
            citizen: sample.full_name(),
            citizen_id: "cit_1".into(),
            procedure: texts(language).procedure(Procedure::Logement).short.into(),
            service: sample.service.clone(),
        }),
        ending: sample.many(|at| counter::EndingMandate {
            id: format!("mdt_{at}"),
            citizen: sample.full_name(),
            procedures: titles(language, at + 1),
            ends: days(at),
        }),
    }
}

fn person(sample: &Sample, language: Language) -> counter::CitizenPage {
    counter::CitizenPage {
        shell: sample.signed_in(language, "/citizens/cit_1"),
        name: sample.full_name(),
        birthdate: sample.born(language),
        id: "cit_1".into(),
        can_open: true,
        phone: if sample.lines > 0 { "06 12 34 56 78".into() } else { String::new() },
        typed: sample.refused.then(|| sample.full_name()),
        errors: sample.errors(&["phone"]),
        mandates: BADGES
            .into_iter()
            .take(sample.lines)
            .map(|badge| counter::MandateCard {
                id: "mdt_1".into(),
                badge,
                procedures: titles(language, 4).into_iter().zip([true, true, false, true]).collect(),
                opened: days(0),
                ends: days(31),
            })
            .collect(),
        older: sample.lines > 1,
        uses: sample.uses(language),
        pages: sample.pages(),
    }
}

fn mandate(sample: &Sample, language: Language) -> counter::MandatePage {
    let t = texts(language);
    let authorisations = BADGES
        .into_iter()
        .zip(Procedure::ALL)
        .take(sample.lines.max(1))
        .map(|(badge, procedure)| counter::AuthorisationLine {
            key: procedure.key().into(),
            title: t.procedure(procedure).long.into(),
            badge,
            stopped: (badge == Badge::Revoked).then(|| days(2)),
            reason: (badge == Badge::Revoked).then(|| counter::reason("citizen_asked", t).into()),
            revocable: badge.works(),
        })
        .collect();
    counter::MandatePage {
        shell: sample.signed_in(language, "/mandates/mdt_1"),
        id: "mdt_01J9ZC7TQ4N8V6XKB2E5RWAHGM".into(),
        citizen_id: "cit_1".into(),
        citizen: sample.full_name(),
        organisation: sample.organisation.clone(),
        badge: Badge::Live,
        term: t.term(Term::Month).into(),
        opened: days(0),
        opened_by: "Ana Ferreira".into(),
        agreed: days(0),
        ends: days(31),
        authorisations,
        revocable: true,
        document_hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        uses: sample.uses(language),
        pages: sample.pages(),
    }
}

/// FranceConnect alone, or beside another that is down and bears a long name.
fn providers(sample: &Sample) -> Vec<opening::ProviderButton> {
    let button =
        |name: &str, label: &str, down| opening::ProviderButton { name: name.into(), label: label.into(), down };
    let several = [button("franceconnect", "FranceConnect", false), button("other", &sample.service, sample.refused)];
    several.into_iter().take(if sample.lines > 3 { 2 } else { 1 }).collect()
}

pub(crate) fn opening_pages(sample: &Sample, language: Language) -> Vec<(&'static str, String)> {
    let shell = |path| sample.signed_in(language, path);
    let form = |allowed: &[Procedure], errors: Errors| {
        html(&opening::OpeningPage {
            shell: shell("/mandates/new"),
            organisation: sample.organisation.clone(),
            several_organisations: sample.lines > 3,
            allowed: allowed.to_vec(),
            chosen: if sample.lines > 3 { vec![Procedure::Logement, Procedure::Argent] } else { Vec::new() },
            term: (sample.lines > 3).then_some(Term::Month),
            errors,
            obstacle: sample.refused.then(|| "FranceConnect ne répond pas.".into()),
            providers: providers(sample),
        })
    };
    let document = opening::DocumentPage {
        shell: shell("/mandates/mdt_1/document"),
        id: "mdt_01J9ZC7TQ4N8V6XKB2E5RWAHGM".into(),
        document: sample.document(language, true),
        language,
        hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
    };
    vec![
        ("opening", form(&Procedure::ALL, sample.errors(&["procedures", "term"]))),
        ("opening-nothing", form(&[], Errors::none())),
        ("recap", html(&recap(sample, language))),
        ("refused", html(&opening::RefusedPage { shell: shell("/mandates/drafts/drf_1") })),
        ("document", html(&document)),
    ]
}

fn recap(sample: &Sample, language: Language) -> opening::RecapPage {
    opening::RecapPage {
        shell: sample.signed_in(language, "/mandates/drafts/drf_1"),
        draft: "drf_1".into(),
        citizen: sample.full_name(),
        birthdate: sample.born(language),
        organisation: sample.organisation.clone(),
        procedures: vec![Procedure::Logement, Procedure::Argent],
        term: Term::Month,
        ends: days(31),
        agreed: days(0),
        deadline: days(0),
        replaced: sample.many(|at| opening::ReplacedLine {
            procedure: texts(language).procedure(Procedure::Logement).long.into(),
            ends: days(at),
        }),
        in_front: sample.refused,
        informed: false,
        errors: sample.errors(&["in_front", "informed", "code"]),
    }
}
