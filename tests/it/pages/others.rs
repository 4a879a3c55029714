//! The pages of the citizen, of a public service, of the auditor and of the demonstration.

use mandataire::demo::pages as demo;
use mandataire::domain::procedure::Procedure;
use mandataire::web::auditor::pages as auditor;
use mandataire::web::auditor::search::Typed;
use mandataire::web::citizen::pages as citizen;
use mandataire::web::provider::pages as provider;
use mandataire::web::texts::Language;

use super::auditing;
use super::samples::{Sample, days, html};

pub(crate) fn provider_pages(sample: &Sample, language: Language) -> Vec<(&'static str, String)> {
    let shell = |path| sample.signed_in(language, path);
    let people = |query: &str, too_short, rows| {
        html(&provider::ChooseCitizenPage {
            shell: shell("/provider/flw_1"),
            flow: "flw_1".into(),
            service: sample.service.clone(),
            query: query.into(),
            too_short,
            rows,
            pages: sample.pages(),
        })
    };
    let procedures = provider::ChooseProcedurePage {
        shell: shell("/provider/flw_1/citizens/cit_1"),
        flow: "flw_1".into(),
        service: sample.service.clone(),
        citizen_id: "cit_1".into(),
        citizen: sample.full_name(),
        birthdate: sample.born(language),
        organisation: sample.organisation.clone(),
        procedures: Procedure::ALL.into_iter().rev().take(sample.lines).map(|one| (one, days(31))).collect(),
        errors: sample.errors(&["procedure"]),
    };
    let refused = provider::RefusedRequestPage {
        shell: sample.shell(language, "/authorize"),
        sentence: "L’adresse de retour n’est pas celle du service.".into(),
        reference: Some("4F7K-2".into()),
    };
    vec![
        ("provider", people("", false, sample.rows(language))),
        ("provider-short", people("jo", true, Vec::new())),
        ("provider-none", people("joséphine", false, Vec::new())),
        ("provider-procedure", html(&procedures)),
        ("provider-refused", html(&refused)),
        ("sign-out", html(&provider::SignOutPage { shell: shell("/sign-out") })),
        ("signed-out", html(&provider::SignedOutPage { shell: sample.shell(language, "/session/end") })),
    ]
}

pub(crate) fn citizen_pages(sample: &Sample, language: Language) -> Vec<(&'static str, String)> {
    let agreement = citizen::AgreementPage {
        shell: sample.signed_in(language, "/agreements/t"),
        token: "t".into(),
        document: sample.document(language, false),
        digest: "0".repeat(64),
        unprotected: false,
        errors: sample.errors(&["unprotected"]),
    };
    let page = html(&agreement);
    assert!(!page.contains("Ana Ferreira"), "nothing of the mediator's on the citizen's screen");
    vec![("agreement", page)]
}

pub(crate) fn auditor_pages(sample: &Sample, language: Language) -> Vec<(&'static str, String)> {
    let shell = |path| sample.auditing(language, path);
    let purpose = "Contrôle trimestriel des ouvertures".to_owned();
    let journal = auditor::JournalPage {
        shell: shell("/journal"),
        head: auditing::head(sample),
        filter: Typed {
            from: if sample.refused { "2026-02-30".into() } else { String::new() },
            mediator: if sample.refused { sample.full_name() } else { String::new() },
            ..Typed::default()
        },
        procedures: vec![("logement".into(), "Logement".into())],
        organisations: sample.many(|at| (format!("org_{at}"), sample.organisation.clone())),
        services: sample.many(|at| (format!("service_{at}"), sample.service.clone())),
        previous: sample.pages().first,
        limit: 10_000,
        kinds: vec![("mandate_opened".into(), "Mandat ouvert".into()), ("use".into(), "Utilisation".into())],
        errors: sample.errors(&["from", "mediator"]),
        rows: sample.many(|at| auditor::EntryRow {
            id: format!("ent_{at}"),
            position: u64::try_from(at).ok().filter(|at| *at > 0),
            at: days(at),
            kind: "Mandat ouvert".into(),
            organisation: Some("org_01J9ZC7TQ4N8V6XKB2E5RWAHGM".into()),
            mediator: Some("acc_01J9ZC7TQ4N8V6XKB2E5RWAHGM".into()),
            mandate: (at > 0).then(|| "mdt_01J9ZC7TQ4N8V6XKB2E5RWAHGM".into()),
        }),
        pages: sample.pages(),
    };
    let fact = |name: &str, value: &str, meaning: Option<&str>| auditor::Fact {
        name: name.to_owned(),
        value: value.to_owned(),
        meaning: meaning.map(str::to_owned),
        link: if name == "Mandat" { format!("/journal/mandates/{value}") } else { String::new() },
    };
    let entry = auditor::EntryPage {
        shell: shell("/journal/ent_1"),
        head: auditing::head(sample),
        id: "ent_01J9ZC7TQ4N8V6XKB2E5RWAHGM".into(),
        position: (sample.lines > 0).then_some(1204),
        at: days(0),
        kind: "Mandat ouvert".into(),
        facts: vec![
            fact("Nature", "mandate_opened", Some("Mandat ouvert")),
            fact("Mandat", "mdt_01J9ZC7TQ4N8V6XKB2E5RWAHGM", None),
            fact("Durée", "month", None),
        ],
        purpose: (sample.lines > 0).then(|| "Réclamation du 12 novembre".to_owned()),
        canonical: r#"{"kind":"mandate_opened","mandate":"mdt_01J9ZC7TQ4N8V6XKB2E5RWAHGM","term":"month"}"#.into(),
        leaf_hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        commitment: (sample.lines > 0)
            .then(|| "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752".into()),
    };
    let asked = auditor::PurposePage { shell: shell("/journal/purpose"), purpose, errors: sample.errors(&["purpose"]) };
    vec![("purpose", html(&asked)), ("journal", html(&journal)), ("entry", html(&entry))]
}

pub(crate) fn demo_pages(sample: &Sample, language: Language) -> Vec<(&'static str, String)> {
    let shell = |path| sample.shell(language, path);
    let start = demo::DemoPage {
        shell: shell("/demo"),
        accounts: sample.many(|at| demo::DemoAccount {
            name: sample.full_name(),
            email: format!("ana{at}@example.fr"),
            role: "aidante".into(),
            organisations: sample.organisation.clone(),
        }),
        citizens: sample.many(|_| (sample.full_name(), sample.born(language))),
        service: "http://127.0.0.1:8080/demo/service".into(),
    };
    let mails = demo::MailsPage {
        shell: shell("/demo/mails"),
        mails: sample.many(|at| demo::Mail {
            to: "ana@example.fr".into(),
            subject: "Votre lien de connexion".into(),
            at: days(at),
            body: "Bonjour,\n\nVoici votre lien, valable 10 minutes :\nhttp://127.0.0.1:8080/sign-in/link?token=4f7k&a=b\n"
                .into(),
        }),
    };
    let codes = demo::CodesPage {
        shell: shell("/demo/codes"),
        codes: sample
            .many(|at| (sample.full_name(), format!("ana{at}@example.fr"), (at > 0).then(|| "042 117".into()))),
        seconds: 12,
    };
    vec![("demo", html(&start)), ("demo-mails", html(&mails)), ("demo-codes", html(&codes))]
}
