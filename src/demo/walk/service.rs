//! At the public service: the mandate is used there, then no longer.

use super::counter::{Opened, PROCEDURE, listed};
use super::desk::{Desk, address};
use super::report::Report;
use super::{Stop, ensure};
use crate::demo::browser::{Form, Page};

/// Signs in at the public service as the citizen, checks what arrived, tries the code twice, and logs out.
pub(super) async fn uses_it(desk: &mut Desk, report: &mut Report, opened: &Opened) -> Result<(), Stop> {
    let page = report
        .step(
            "public service",
            "the public service knows FranceConnect only; the mediator goes from there to the choice of a citizen",
            goes_to_the_choice(desk),
        )
        .await?;
    let account = report
        .step(
            "use",
            "the mediator chooses a citizen and a procedure of a live mandate, and nothing else",
            chooses(desk, &page, opened),
        )
        .await?;
    report.step("identity", "the identity reaches the public service byte for byte", received(desk, opened)).await?;
    report.step("replay", "a code works once: presented again, it is refused", replays(desk)).await?;
    report
        .step(
            "logout",
            "logging out of the public service ends the connection of the service too",
            logs_out(desk, &account),
        )
        .await
}

/// From the public service, by FranceConnect's list, to the service's own choice of a citizen.
async fn goes_to_the_choice(desk: &mut Desk) -> Result<Page, Stop> {
    let home = desk.browser.get(address(&desk.sites.public_service, "/")).await?;
    let form = home.form("/sign-in").ok_or_else(|| Stop::at(&home, "the public service should offer FranceConnect"))?;
    let list = desk.browser.submit_and_follow(&form).await?;
    let page = desk.browser.submit_and_follow(&listed(&list, "/mandataire")?).await?;
    let page = desk.confirms_if_asked(page).await?;
    ensure(
        page.status == 200 && page.url.path().starts_with("/provider/"),
        &page,
        "the choice of a citizen should come",
    )?;
    Ok(page)
}

fn path_of_citizen(choice: &Page, opened: &Opened) -> String {
    format!("{}/citizens/{}", choice.url.path(), opened.citizen)
}

async fn chooses(desk: &Desk, choice: &Page, opened: &Opened) -> Result<Page, Stop> {
    let path = path_of_citizen(choice, opened);
    let link = choice.link(&path).ok_or_else(|| Stop::at(choice, "the citizen should be offered"))?;
    let page = desk.browser.click(choice, &link).await?;
    let form = procedure_form(&page, &path).ok_or_else(|| Stop::at(&page, "the procedure should be offered"))?;
    let consent = desk.browser.submit_and_follow(&form.with("procedure", PROCEDURE)).await?;
    let account = desk.browser.submit_and_follow(&listed(&consent, "/consent")?).await?;
    ensure(account.form("/sign-out").is_some(), &account, "the public service should know the citizen")?;
    Ok(account)
}

/// The form that offers the procedure of the walk.
fn procedure_form(page: &Page, path: &str) -> Option<Form> {
    let offers = |form: &Form| {
        form.action().path() == path
            && (form.choices("procedure").contains(&PROCEDURE) || form.value("procedure") == Some(PROCEDURE))
    };
    page.forms().into_iter().find(offers)
}

async fn received(desk: &Desk, opened: &Opened) -> Result<(), Stop> {
    let claims = desk.browser.json(address(&desk.sites.public_service, "/identity.json")).await?;
    let identity = opened.person.identity();
    let usual_name = identity.preferred_username.unwrap_or_default();
    let expected = [
        ("given_name", identity.given_name),
        ("family_name", identity.family_name),
        ("preferred_username", usual_name),
        ("idp_birthdate", identity.birthdate),
        ("gender", identity.gender),
        ("birthplace", identity.birthplace),
        ("birthcountry", identity.birthcountry),
        ("email", identity.email),
    ];
    let same = |(name, value): &(&str, String)| {
        claims.get(*name).and_then(serde_json::Value::as_str).unwrap_or_default() == value
    };
    match expected.iter().find(|claim| !same(claim)) {
        None => Ok(()),
        Some((name, _)) => Err(Stop::Broken(format!("{name} arrived changed"))),
    }
}

async fn replays(desk: &Desk) -> Result<(), Stop> {
    let home = desk.browser.get(address(&desk.sites.franceconnect, "/")).await?;
    let form =
        home.form("/demonstration/replay").ok_or_else(|| Stop::at(&home, "there should be a code to present"))?;
    let page = desk.browser.submit(&form).await?;
    let refused = page.attributes("data-status") == ["400"] && page.attributes("data-error") == ["invalid_grant"];
    ensure(refused, &page, "the second use should be refused as invalid_grant")
}

async fn logs_out(desk: &Desk, account: &Page) -> Result<(), Stop> {
    let form = account.form("/sign-out").ok_or_else(|| Stop::at(account, "there should be a way out"))?;
    let page = desk.browser.submit_and_follow(&form).await?;
    let passed = page.passed(&desk.at("/session/end")).is_some();
    let back = page.status == 200 && page.url.path() == "/logged-out";
    ensure(passed && back, &page, "logout should pass by the service and come back")?;
    let home = desk.browser.follow(desk.at("/home")).await?;
    ensure(home.form("/sign-out").is_some(), &home, "the mediator's own session should go on")
}

/// Tries to use the revoked mandate: it is not offered, and a forged choice is refused.
pub(super) async fn cannot_use_it_again(desk: &mut Desk, report: &mut Report, opened: &Opened) -> Result<(), Stop> {
    let choice = report
        .step("after revocation", "a revoked mandate is offered no more, from the very next request", async {
            let choice = goes_to_the_choice(desk).await?;
            let path = path_of_citizen(&choice, opened);
            if let Some(link) = choice.link(&path) {
                // Other mandates of the same citizen may still be alive.
                let page = desk.browser.click(&choice, &link).await?;
                ensure(procedure_form(&page, &path).is_none(), &page, "the procedure should not be offered")?;
            }
            Ok(choice)
        })
        .await?;
    report.step("forged use", "and asking for it all the same is refused", forges(desk, &choice, opened)).await
}

async fn forges(desk: &Desk, choice: &Page, opened: &Opened) -> Result<(), Stop> {
    let form = choice.form(&format!("{}/cancellation", choice.url.path()));
    let form = form.ok_or_else(|| Stop::at(choice, "there should be a way back"))?;
    let forged = form.clone().aimed_at(&path_of_citizen(choice, opened)).with("procedure", PROCEDURE);
    let answer = desk.browser.submit(&forged).await?;
    let coded = answer.location().is_some_and(|to| to.query_pairs().any(|(name, _)| name == "code"));
    ensure(!coded && answer.status >= 300, &answer, "the forged choice should be refused")?;
    if answer.status >= 400 {
        let list = desk.browser.submit_and_follow(&form).await?;
        ensure(list.text().contains("access_denied"), &list, "turning back should lead to FranceConnect's list")?;
    }
    Ok(())
}
