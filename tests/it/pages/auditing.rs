//! The auditor's workspace: activity, stories, inquiries, signals, findings.

use mandataire::domain::civil;
use mandataire::domain::event::Kind;
use mandataire::store::audit::Tally;
use mandataire::web::auditor::activity::Asked;
use mandataire::web::auditor::activity_pages::{ActivityPage, Count, UseRow};
use mandataire::web::auditor::chart::{Chart, Step};
use mandataire::web::auditor::inquiries;
use mandataire::web::auditor::inquiry_pages::{IdentityPage, InquiriesPage, InquiryPage, InquiryRow};
use mandataire::web::auditor::pages::Head;
use mandataire::web::auditor::signal_pages::{FindingRow, FindingsPage, SignalPage, SignalRow, SignalsPage};
use mandataire::web::auditor::signals::Written;
use mandataire::web::auditor::timeline::{TimelinePage, Told};
use mandataire::web::counter::signals::{OwnSignalPage, OwnSignalsPage};
use mandataire::web::texts::{Language, texts};

use super::samples::{Sample, days, html};

const ACCOUNT: &str = "acc_01J9ZC7TQ4N8V6XKB2E5RWAHGM";
const CITIZEN: &str = "cit_01J9ZC7TQ4N8V6XKB2E5RWAHGM";
const MANDATE: &str = "mdt_01J9ZC7TQ4N8V6XKB2E5RWAHGM";
const ORGANISATION: &str = "org_01J9ZC7TQ4N8V6XKB2E5RWAHGM";

pub(crate) fn head(sample: &Sample) -> Head {
    Head {
        purpose: sample.full_name(),
        known: vec!["Dernière inscription : 2026-11-22 14:05:09 +01:00.".into(), "Tout y est.".into()],
        unknown: (sample.lines > 0).then(|| "Non connus ici : positions, témoin.".into()),
    }
}

fn activity(sample: &Sample, language: Language) -> String {
    let first = civil::number("2026-11-01".parse().unwrap());
    let last = first + i32::try_from(sample.lines).unwrap() * 2;
    let kinds = [Kind::Use, Kind::MandateOpened, Kind::UseRefused];
    let tallies = sample.many(|at| Tally {
        day: first + i32::try_from(at).unwrap(),
        kind: kinds[at % 3],
        entries: u64::try_from(at * at + 1).unwrap(),
    });
    html(&ActivityPage {
        shell: sample.auditing(language, "/journal/activity"),
        head: head(sample),
        asked: Asked { of: sample.full_name(), from: "2026-11-01".into(), to: String::new(), step: "week".into() },
        errors: sample.errors(&["of", "from", "to"]),
        name: (sample.lines > 0).then(|| sample.organisation.clone()),
        counts: sample.many(|at| Count {
            name: texts(language).kind(kinds[at % 3]),
            entries: u64::try_from(at).unwrap() * 1_000,
            link: "/journal?kind=use".into(),
        }),
        chart: Chart::of(&tallies, first, last, Step::Day, texts(language)),
        uses: sample.many(|at| UseRow {
            entry: format!("ent_{at}"),
            at: days(at),
            mediator: ACCOUNT.into(),
            organisation: ORGANISATION.into(),
            procedure: "Logement".into(),
            service: sample.service.clone(),
            mandate: MANDATE.into(),
        }),
        all: "/journal?kind=use".into(),
        organisations: sample.many(|at| (format!("org_{at}"), sample.organisation.clone())),
        services: sample.many(|at| (format!("service_{at}"), sample.service.clone())),
    })
}

fn timeline(sample: &Sample, language: Language) -> String {
    html(&TimelinePage {
        shell: sample.auditing(language, "/journal/mandates/mdt_1"),
        head: head(sample),
        mandate: MANDATE.into(),
        organisation: (sample.lines > 0).then(|| ORGANISATION.into()),
        citizen: (sample.lines > 0).then(|| CITIZEN.into()),
        events: sample.many(|at| Told {
            entry: format!("ent_{at}"),
            at: days(at),
            kind: texts(language).kind(Kind::Use),
            sentence: texts(language).told_used("Logement", &sample.service),
            actor: (at > 0).then(|| ACCOUNT.into()),
        }),
        pages: sample.pages(),
    })
}

fn inquiry_pages(sample: &Sample, language: Language) -> Vec<(&'static str, String)> {
    let shell = |path| sample.auditing(language, path);
    let row = |at: usize| InquiryRow {
        id: format!("inq_{at}"),
        citizen: CITIZEN.into(),
        asked_by: ACCOUNT.into(),
        at: days(at),
        ground: texts(language).ground_complaint(),
        badge: ["ending", "live", "revoked", "ended"][at % 4],
        state: texts(language).inquiry_waiting(),
    };
    let list = InquiriesPage {
        shell: shell("/journal/inquiries"),
        head: head(sample),
        asked: inquiries::Asked { citizen: sample.full_name(), ground: "court".into(), reason: sample.full_name() },
        errors: sample.errors(&["citizen", "ground", "reason"]),
        rows: sample.many(row),
        pages: sample.pages(),
    };
    let one = InquiryPage {
        shell: shell("/journal/inquiries/inq_1"),
        head: head(sample),
        row: row(0),
        reason: (sample.lines > 0).then(|| sample.full_name()),
        decided: (sample.lines > 0).then(|| (ACCOUNT.into(), days(0))),
        until: (sample.lines > 0).then(|| days(1)),
        may_decide: sample.lines != 3 || sample.refused,
        may_read: sample.lines > 0,
        errors: if sample.lines != 3 || sample.refused { sample.errors(&["code"]) } else { sample.errors(&[]) },
    };
    let identity = IdentityPage {
        shell: shell("/journal/inquiries/inq_1/reading"),
        head: head(sample),
        inquiry: "inq_1".into(),
        citizen: CITIZEN.into(),
        name: sample.full_name(),
        birthdate: sample.born(language),
    };
    vec![("inquiries", html(&list)), ("inquiry", html(&one)), ("identity", html(&identity))]
}

fn signal(language: Language, at: usize) -> SignalRow {
    let t = texts(language);
    SignalRow {
        id: format!("sig_{at}"),
        organisation: ORGANISATION.into(),
        rule: t.rule_soon_after_opening(),
        sentence: t.rule_soon_after_opening_says(2, days(0).short(t), days(1).short(t)),
        subject: if at == 0 { MANDATE.into() } else { ACCOUNT.into() },
        since: "2026-11-22".into(),
        date: "2026-11-22".into(),
        day: "22 novembre 2026".into(),
        until: days(14),
        badge: "ending",
        state: t.signal_awaited(),
    }
}

fn signal_pages(sample: &Sample, language: Language) -> Vec<(&'static str, String)> {
    let shell = |path| sample.auditing(language, path);
    let (own, pages) = (|path| sample.signed_in(language, path), || sample.pages());
    let list = SignalsPage {
        shell: shell("/journal/signals"),
        head: head(sample),
        rows: sample.many(|at| signal(language, at)),
        pages: pages(),
    };
    let one = SignalPage {
        shell: shell("/journal/signals/sig_1"),
        head: head(sample),
        row: signal(language, 0),
        answer: (sample.lines > 0).then(|| sample.full_name()),
        answered: (sample.lines > 3).then(|| (ACCOUNT.into(), days(0))),
        findings: sample.many(|at| (format!("ent_{at}"), days(at))),
    };
    let findings = FindingsPage {
        shell: shell("/journal/findings"),
        head: head(sample),
        written: Written { about: sample.full_name(), text: sample.full_name(), ..Written::default() },
        errors: sample.errors(&["about", "text", "code"]),
        rows: sample.many(|at| FindingRow {
            entry: format!("ent_{at}"),
            account: ACCOUNT.into(),
            at: days(at),
            about: MANDATE.into(),
            text: (at > 0).then(|| sample.full_name()),
        }),
        pages: pages(),
    };
    let own_list =
        OwnSignalsPage { shell: own("/signals"), rows: sample.many(|at| signal(language, at)), pages: pages() };
    let own_one = OwnSignalPage {
        shell: own("/signals/sig_1"),
        row: signal(language, 1),
        people: sample.many(|at| (format!("cit_{at}"), sample.full_name())).into_iter().take(20).collect(),
        more: sample.lines > 3,
        answered: (sample.lines > 3).then(|| days(0)),
        others: sample.lines == 0,
        answer: sample.full_name(),
        errors: if sample.lines > 3 { sample.errors(&[]) } else { sample.errors(&["answer"]) },
    };
    vec![
        ("signals", html(&list)),
        ("signal", html(&one)),
        ("findings", html(&findings)),
        ("own-signals", html(&own_list)),
        ("own-signal", html(&own_one)),
    ]
}

pub(crate) fn auditing_pages(sample: &Sample, language: Language) -> Vec<(&'static str, String)> {
    let mut pages = vec![("activity", activity(sample, language)), ("timeline", timeline(sample, language))];
    pages.extend(inquiry_pages(sample, language));
    pages.extend(signal_pages(sample, language));
    pages
}
