//! At the counter: a mandate is opened with the citizen, and later revoked.

use super::desk::{Desk, address};
use super::report::Report;
use super::{Stop, ensure};
use crate::demo::browser::{Form, Page};
use crate::demo::franceconnect::citizens::{Citizen, PLAIN, find};

/// The procedure of the walk.
pub(super) const PROCEDURE: &str = "logement";

/// A mandate opened by the walk.
pub(super) struct Opened {
    /// Its identifier.
    pub(super) mandate: String,
    /// The citizen's identifier in the service.
    pub(super) citizen: String,
    /// The citizen, as FranceConnect knows them.
    pub(super) person: &'static Citizen,
}

/// Opens a mandate for housing, from the form to the document.
pub(super) async fn opens_a_mandate(desk: &mut Desk, report: &mut Report) -> Result<Opened, Stop> {
    let person = find(PLAIN).ok_or_else(|| Stop::Broken("nobody to help".to_owned()))?;
    let page = report
        .step(
            "identification",
            "the citizen identifies with FranceConnect; a password never passes through the service",
            identifies(desk, person),
        )
        .await?;
    let ended = address(&desk.sites.franceconnect, "/api/v2/session/end");
    report
        .step(
            "FranceConnect logout",
            "the session at FranceConnect is ended at once: the next person cannot inherit it",
            async {
                ensure(page.passed(&ended).is_some(), &page, "the way back should pass by FranceConnect's logout")
            },
        )
        .await?;
    let page = report
        .step("agreement", "the agreement is the citizen's own act, on a screen of their own", agrees(desk, &page))
        .await?;
    let page = report
        .step(
            "opening",
            "the mediator confirms with a fresh code, and the mandate is open",
            confirms(desk, &page, person),
        )
        .await?;
    let mandate = page.url.path().trim_start_matches("/mandates/").to_owned();
    report
        .step("document", "the document is frozen at opening and names the citizen", reads(desk, &mandate, person))
        .await?;
    let citizen = report
        .step("citizen", "the citizen is found by name among those of the organisation", finds(desk, person))
        .await?;
    Ok(Opened { mandate, citizen, person })
}

async fn reads(desk: &Desk, mandate: &str, person: &Citizen) -> Result<(), Stop> {
    let page = desk.opens(&format!("/mandates/{mandate}/document")).await?;
    ensure(names(&page, person), &page, "the document should name the citizen")
}

async fn identifies(desk: &Desk, person: &Citizen) -> Result<Page, Stop> {
    let page = desk.opens("/mandates/new").await?;
    let form =
        page.form("/mandates/drafts").ok_or_else(|| Stop::at(&page, "there should be a form to open a mandate"))?;
    let list = desk.browser.submit_and_follow(&form.with("procedures", PROCEDURE).with("term", "month")).await?;
    let form = listed(&list, "/citizens")?.with("citizen", person.key);
    let consent = desk.browser.submit_and_follow(&form).await?;
    let page = desk.browser.submit_and_follow(&listed(&consent, "/consent")?).await?;
    ensure(
        page.status == 200 && page.url.path().starts_with("/agreements/"),
        &page,
        "the citizen's screen should come",
    )?;
    Ok(page)
}

/// The form of a page of the pretend FranceConnect, by the end of its action.
pub(super) fn listed(page: &Page, end: &str) -> Result<Form, Stop> {
    let ours =
        |form: &Form| form.action().path().starts_with("/api/v2/interaction/") && form.action().path().ends_with(end);
    page.forms().into_iter().find(ours).ok_or_else(|| Stop::at(page, &format!("FranceConnect should offer {end}")))
}

/// Whether the page speaks of the person, under the birth name or the name in use.
fn names(page: &Page, person: &Citizen) -> bool {
    page.text().contains(&person.identity().given_name)
}

async fn agrees(desk: &Desk, page: &Page) -> Result<Page, Stop> {
    let agreeing = |form: &Form| {
        form.action().path() == page.url.path()
            && (form.choices("decision").contains(&"agree") || form.value("decision") == Some("agree"))
    };
    let form = page.forms().into_iter().find(agreeing);
    let form = form.ok_or_else(|| Stop::at(page, "there should be a button to agree"))?;
    let page = desk.browser.submit_and_follow(&form.with("decision", "agree").with("unprotected", "yes")).await?;
    ensure(page.status == 200 && page.url.path().starts_with("/mandates/drafts/"), &page, "the recap should come")?;
    Ok(page)
}

async fn confirms(desk: &mut Desk, recap: &Page, person: &Citizen) -> Result<Page, Stop> {
    ensure(names(recap, person), recap, "the recap should name the citizen")?;
    let form = recap.form(recap.url.path()).ok_or_else(|| Stop::at(recap, "there should be a form to confirm"))?;
    let code = desk.fresh_code().await?;
    let form = form.with("in_front", "yes").with("informed", "yes").with("code", &code);
    let page = desk.browser.submit_and_follow(&form).await?;
    ensure(page.status == 200 && page.url.path().starts_with("/mandates/mdt_"), &page, "the mandate should be open")?;
    Ok(page)
}

async fn finds(desk: &Desk, person: &Citizen) -> Result<String, Stop> {
    let name = person.identity().family_name;
    let page = desk.opens(&format!("/citizens?tab=active&q={name}")).await?;
    let link = page.link("/citizens/cit_").ok_or_else(|| Stop::at(&page, "the citizen should be found"))?;
    Ok(link.path().trim_start_matches("/citizens/").to_owned())
}

/// Revokes the mandate.
pub(super) async fn revokes(desk: &Desk, report: &mut Report, opened: &Opened) -> Result<(), Stop> {
    report
        .step("revocation", "a mandate can be ended at any time", async {
            let path = format!("/mandates/{}/revocation", opened.mandate);
            let page = desk.opens(&path).await?;
            let form = page.form(&path).ok_or_else(|| Stop::at(&page, "there should be a form to revoke"))?;
            let page = desk.browser.submit_and_follow(&form.with("reason", "citizen_asked")).await?;
            let there = page.url.path() == format!("/mandates/{}", opened.mandate);
            ensure(page.status == 200 && there, &page, "the revoked mandate should show")
        })
        .await
}
