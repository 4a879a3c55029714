//! The access matrix: every route, everybody, and an object of theirs, of another organisation, and of nobody.
//!
//! After a change that is meant: `UPDATE_GOLDEN=1 cargo test --test it access`, then read the difference.

#[cfg(test)]
pub(crate) mod cast;

use std::fmt::Write;
use std::path::Path;

use mandataire::demo::browser::Browser;
use mandataire::web::assets;
use mandataire::web::routes::{self, Listed};

use self::cast::{Cast, Things};
use crate::on_each_backend;
use crate::world::World;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/access_matrix.txt");

/// Routes that need not hide another organisation's object: an agreement is for whoever holds its address, an auditor reads the
/// whole journal, an officer decides for the operator, and a sign-in of another browser says so, because the way out is to go back to the public service.
const OPEN: [&str; 13] = [
    "/agreements/{token}",
    "/journal/{entry}",
    "/journal/mandates/{mandate}",
    "/journal/inquiries/{inquiry}",
    "/journal/inquiries/{inquiry}/decision",
    "/journal/inquiries/{inquiry}/reading",
    "/journal/signals/{signal}",
    "/office/erasures/{erasure}",
    "/office/erasures/{erasure}/approval",
    "/office/erasures/{erasure}/refusal",
    "/office/holds/{hold}/lifting",
    "/provider/{flow}",
    "/provider/{flow}/cancellation",
];

/// An answer, with the names of the objects in the place of their identifiers.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cell {
    answer: String,
    body: String,
}

/// Whether the route is about an object.
fn has_object(route: &Listed) -> bool {
    route.path.contains('{') || route.path == "/organisation"
}

/// What uses an object up comes after what looks at it; signing out comes last.
fn turn(route: &Listed) -> u8 {
    match (route.method, route.path) {
        ("POST", "/sign-out") => 3,
        ("POST", path) if path.ends_with("/cancellation") || path.ends_with("/refusal") => 2,
        ("POST", "/provider/{flow}/citizens/{citizen}") => 1,
        _ => 0,
    }
}

/// The path: a citizen is chosen in one's own flow, and a flow that gave its code cannot be abandoned.
fn path(route: &Listed, own: &Things, things: &Things) -> String {
    match route.path {
        "/provider/{flow}/citizens/{citizen}" => {
            things.fill(&format!("{}{{citizen}}", own.fill("/provider/{flow}/citizens/")))
        }
        "/provider/{flow}/cancellation" => things.fill("/provider/{spare_flow}/cancellation"),
        other => things.fill(other),
    }
}

async fn cell(world: &World, browser: &Browser, csrf: &str, route: &Listed, own: &Things, things: &Things) -> Cell {
    let path = path(route, own, things);
    let answer = if route.method == "GET" {
        world.asks(browser, "GET", &path).await
    } else {
        let fields = things.fields(route.path);
        let pairs: Vec<_> =
            fields.iter().map(|(name, value)| (*name, value.as_str())).chain([("csrf", csrf)]).collect();
        world.posts(browser, &path, &pairs, &[]).await
    };
    let forget = |text: &str| own.forget(&things.forget(&crate::refusals::without_reference(text)));
    let mut said = answer.status.to_string();
    if let Some(location) = answer.headers.get("location").and_then(|value| value.to_str().ok()) {
        let target = location.trim_start_matches(&world.base);
        let local = target.split('?').next().filter(|path| path.starts_with('/')).unwrap_or("(the service)");
        write!(said, " {}", forget(local)).unwrap();
    }
    Cell { answer: said, body: forget(&answer.body) }
}

/// The line of somebody at a route.
async fn line(world: &World, cast: &Cast, at: usize, csrf: &str, route: &Listed) -> String {
    let (name, browser, own, other) = cast.everybody()[at];
    let mine = cell(world, browser, csrf, route, own, own).await;
    let mut line = format!("  {name:<16} {:<26}", mine.answer);
    if has_object(route) {
        let foreign = cell(world, browser, csrf, route, own, other).await;
        let none = cell(world, browser, csrf, route, own, &cast.nothing).await;
        if !OPEN.contains(&route.path) {
            assert_eq!(foreign, none, "{} {} as {name}: another organisation's shows", route.method, route.path);
        }
        write!(line, " {:<26} {}", foreign.answer, none.answer).unwrap();
    }
    line.trim_end().to_owned()
}

/// What holds whatever the golden file says.
fn guarded(route: &Listed, name: &str, line: &str) {
    let open = matches!(route.policy.as_str(), "Public" | "Machine");
    let target = match (name, route.policy.as_str()) {
        _ if open => return,
        ("anonymous" | "deactivated", _) => "303 /sign-in",
        // Whoever comes back from a provider was busy there.
        ("idle", _) if ["/franceconnect/", "/providers/"].iter().any(|part| route.path.starts_with(part)) => return,
        ("enrolling", "SignedIn" | "Enrolling") | ("terms pending" | "idle", "SignedIn") => return,
        ("enrolling", _) => "303 /enrolment",
        ("terms pending" | "idle", "Enrolling") => "303 /home",
        ("terms pending", _) => "303 /terms",
        ("idle", _) => "303 /code",
        ("auditor, silent", "Purposeful") => "303 /journal/purpose",
        ("manager" | "auditor, silent" | "auditor" | "suspended" | "uncertified", "Mediator")
        | ("auditor, silent" | "auditor" | "suspended", "Member")
        | ("mediator" | "other mediator" | "manager", "Auditor" | "Purposeful")
        | ("officer", "Mediator" | "Member" | "Auditor" | "Purposeful")
        | (
            "mediator" | "other mediator" | "manager" | "auditor, silent" | "auditor" | "suspended" | "uncertified",
            "Officer",
        ) => "403",
        _ => return,
    };
    let cells: Vec<_> = line.get(18..).unwrap_or_default().split("  ").map(str::trim).collect();
    for cell in cells.into_iter().filter(|cell| !cell.is_empty()) {
        assert_eq!(cell, target, "{} {} as {name}", route.method, route.path);
    }
}

async fn matrix(world: &World) -> String {
    let cast = Cast::of(world).await;
    let mut tokens = Vec::new();
    for (_, browser, ..) in cast.everybody() {
        tokens.push(world.csrf(browser).await);
    }
    let listed = routes::all().listed().to_vec();
    let mut blocks = vec![String::new(); listed.len()];
    let mut order: Vec<_> = listed.iter().enumerate().collect();
    order.sort_by_key(|(_, route)| turn(route));
    for (place, route) in order {
        let shown = route.path.replace(assets::STYLESHEET_URL, "/assets/style.css");
        let shown = shown.replace(assets::FAVICON_URL, "/assets/favicon.svg");
        let mut block = format!("{} {shown} [{}]\n", route.method, route.policy);
        for (at, csrf) in tokens.iter().enumerate() {
            let line = line(world, &cast, at, csrf, route).await;
            guarded(route, cast.everybody()[at].0, &line);
            writeln!(block, "{line}").unwrap();
        }
        blocks[place] = block;
    }
    let title =
        "Who gets what, route by route. Where a route is about an object: one's own, another organisation's, none.\n\n";
    title.to_owned() + &blocks.join("\n")
}

on_each_backend! {
    async fn every_route_answers_everybody_as_the_matrix_says(world) {
        let found = matrix(&world).await;
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(Path::new(GOLDEN).parent().unwrap()).unwrap();
            std::fs::write(GOLDEN, &found).unwrap();
        }
        let expected = std::fs::read_to_string(GOLDEN).unwrap();
        for (found, expected) in found.lines().zip(expected.lines()) {
            assert_eq!(found, expected, "the matrix changed: read the head of this file");
        }
        assert_eq!(found.lines().count(), expected.lines().count());
    }
}
