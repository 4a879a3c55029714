//! The public pages.

use mandataire::web::parts::Errors;
use mandataire::web::public::pages as public;
use mandataire::web::texts::Language;

use super::samples::{Sample, html};

pub(crate) fn public_pages(sample: &Sample, language: Language) -> Vec<(&'static str, String)> {
    let shell = |path| sample.shell(language, path);
    let code = sample.errors(&["code"]);
    let qr_svg = fast_qr::convert::Builder::shape(
        &mut fast_qr::convert::svg::SvgBuilder::default(),
        fast_qr::convert::Shape::Square,
    )
    .to_str(&fast_qr::QRBuilder::new("otpauth://totp/Mandataire").build().unwrap());
    let problem = |status| public::ProblemPage::new(shell("/x"), status, "4F7K2".to_owned());
    vec![
        ("home", html(&public::HomePage { shell: shell("/") })),
        ("home-again", html(&public::HomePage { shell: sample.signed_in(language, "/") })),
        ("privacy", html(&public::PrivacyPage { shell: shell("/privacy") })),
        ("accessibility", html(&public::AccessibilityPage { shell: shell("/accessibility") })),
        ("problem-404", html(&problem(404))),
        ("problem-500", html(&problem(500))),
        (
            "sign-in",
            html(&public::SignInPage {
                shell: shell("/sign-in"),
                email: sample.full_name(),
                errors: sample.errors(&["email"]),
            }),
        ),
        ("sent", html(&public::SentPage { shell: shell("/sign-in/sent") })),
        (
            "link",
            html(&public::LinkPage {
                shell: shell("/sign-in/link"),
                token: "t".into(),
                asks_code: true,
                errors: code.clone(),
            }),
        ),
        (
            "link-first",
            html(&public::LinkPage {
                shell: shell("/sign-in/link"),
                token: "t".into(),
                asks_code: false,
                errors: Errors::none(),
            }),
        ),
        (
            "enrolment",
            html(&public::EnrolmentPage {
                shell: shell("/enrolment"),
                qr_svg,
                secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP".into(),
                errors: code.clone(),
            }),
        ),
        (
            "recovery",
            html(&public::RecoveryPage {
                shell: shell("/enrolment"),
                codes: (0..10).map(|at| format!("k7m{at}-9xq2-hd4w")).collect(),
            }),
        ),
        ("terms", html(&public::TermsPage { shell: shell("/terms"), errors: sample.errors(&["accept"]) })),
        (
            "code",
            html(&public::CodePage { shell: sample.signed_in(language, "/code"), next: "/home".into(), errors: code }),
        ),
    ]
}
