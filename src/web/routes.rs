//! Every route of the service, each with its policy. A route without one cannot be written here.

use std::collections::BTreeMap;
use std::future::Future;

use actix_web::dev::Handler;
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Resource, Responder, guard};

use super::auditor::{activity, entry, export, handler as auditor, inquiries as identities, signals, timeline};
use super::citizen::handler as citizen;
use super::counter::{
    identification, logged_out, mandates, opening, people, person, recap, revocation, signals as own_signals,
};
use super::office::{erasures, holds};
use super::policy::{self, Policy};
use super::provider::{authorize, choice, endpoints, exercise, inquiries};
use super::public::{enrolment, handler as public, sign_in, step_up};
use super::{assets, form, log};

/// A route as the access matrix lists it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Its path, with placeholders.
    pub path: &'static str,
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Its policy.
    pub policy: String,
}

/// Collects the routes: the server takes the resources, a test takes the list.
#[derive(Default)]
pub struct Routes {
    resources: BTreeMap<&'static str, Resource>,
    listed: Vec<Listed>,
}

impl Routes {
    fn add<F, A>(mut self, method: &Method, path: &'static str, policy: Policy, handler: F) -> Self
    where
        F: Handler<A>,
        A: FromRequest + 'static,
        F::Output: Responder + 'static,
        F::Future: Future<Output = F::Output>,
    {
        let get = *method == Method::GET;
        let page = get || self.listed.iter().any(|one| one.path == path && one.method == "GET");
        // HEAD answers as GET does, without the body.
        let guarded = if get {
            web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
        } else {
            web::route().guard(guard::Post())
        };
        let route = guarded.to(handler).wrap(from_fn(move |request, next| policy::apply(policy, page, request, next)));
        let resource = self.resources.remove(path).unwrap_or_else(|| web::resource(path));
        self.resources.insert(path, resource.route(route));
        self.listed.push(Listed { path, method: if get { "GET" } else { "POST" }, policy: format!("{policy:?}") });
        self
    }

    /// A page. HEAD answers as GET does, without the body.
    #[must_use]
    pub fn get<F, A>(self, path: &'static str, policy: Policy, handler: F) -> Self
    where
        F: Handler<A>,
        A: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.add(&Method::GET, path, policy, handler)
    }

    /// A form, or a machine's request. The page of the same path, if there is one, is added before.
    #[must_use]
    pub fn post<F, A>(self, path: &'static str, policy: Policy, handler: F) -> Self
    where
        F: Handler<A>,
        A: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.add(&Method::POST, path, policy, handler)
    }

    /// The list, for the access matrix.
    #[must_use]
    pub fn listed(&self) -> &[Listed] {
        &self.listed
    }

    /// Hands the routes over to the server.
    pub fn register(self, config: &mut ServiceConfig) {
        config.app_data(web::PayloadConfig::new(form::LONGEST));
        for (_, resource) in self.resources {
            config.service(resource);
        }
    }
}

/// All routes.
#[must_use]
pub fn all() -> Routes {
    let routes = public_routes(Routes::default());
    let routes = signing_in(routes);
    let routes = counter(routes);
    let routes = journal(routes);
    let routes = office(routes);
    let routes = provider(routes);
    routes
        .get("/log/checkpoint", Policy::Machine, log::checkpoint)
        .get("/log/witnessed", Policy::Machine, log::witnessed)
        .get("/log/tile/{path:.*}", Policy::Machine, log::tile)
}

fn public_routes(routes: Routes) -> Routes {
    routes
        .get("/", Policy::Public, public::home)
        .get("/privacy", Policy::Public, public::privacy)
        .get("/accessibility", Policy::Public, public::accessibility)
        .get(assets::STYLESHEET_URL, Policy::Machine, public::stylesheet)
        .get(assets::FAVICON_URL, Policy::Machine, public::favicon)
        .post("/language", Policy::Public, public::language)
}

fn signing_in(routes: Routes) -> Routes {
    routes
        .get("/sign-in", Policy::Public, sign_in::form)
        .post("/sign-in", Policy::Public, sign_in::ask)
        .get("/sign-in/sent", Policy::Public, sign_in::sent)
        .get("/sign-in/link", Policy::Public, sign_in::link)
        .post("/sign-in/link", Policy::Public, sign_in::enter)
        .get("/enrolment", Policy::Enrolling, enrolment::form)
        .post("/enrolment", Policy::Enrolling, enrolment::confirm)
        .get("/terms", Policy::SignedIn, enrolment::terms)
        .post("/terms", Policy::SignedIn, enrolment::accept_terms)
        .get("/code", Policy::SignedIn, step_up::form)
        .post("/code", Policy::SignedIn, step_up::enter)
        .get("/sign-out", Policy::SignedIn, public::ask_sign_out)
        .post("/sign-out", Policy::SignedIn, public::sign_out)
        .post("/organisation", Policy::Ready, public::organisation)
}

fn counter(routes: Routes) -> Routes {
    routes
        .get("/home", Policy::Member, people::today)
        .get("/citizens", Policy::Member, people::list)
        .get("/citizens/{citizen}", Policy::Member, person::show)
        .post("/citizens/{citizen}/phone", Policy::Mediator, person::phone)
        .post("/uses/{use}/outcome", Policy::Mediator, people::outcome)
        .get("/mandates/new", Policy::Mediator, opening::form)
        .post("/mandates/drafts", Policy::Mediator, opening::start)
        .get("/franceconnect/callback", Policy::Mediator, identification::callback)
        .get("/franceconnect/logged-out", Policy::Mediator, logged_out::logged_out)
        .get("/franceconnect/jwks", Policy::Machine, identification::key_set)
        .get("/providers/{provider}/callback", Policy::Mediator, identification::callback)
        .get("/providers/{provider}/logged-out", Policy::Mediator, logged_out::logged_out)
        .get("/providers/{provider}/jwks", Policy::Machine, identification::key_set)
        .get("/agreements/{token}", Policy::Public, citizen::form)
        .post("/agreements/{token}", Policy::Public, citizen::answer)
        .get("/mandates/drafts/{draft}", Policy::Mediator, recap::form)
        .post("/mandates/drafts/{draft}", Policy::Mediator, recap::confirm)
        .post("/mandates/drafts/{draft}/cancellation", Policy::Mediator, recap::cancel)
        .get("/mandates/{mandate}", Policy::Member, mandates::show)
        .get("/mandates/{mandate}/document", Policy::Member, mandates::document)
        .get("/mandates/{mandate}/revocation", Policy::Member, revocation::form)
        .post("/mandates/{mandate}/revocation", Policy::Member, revocation::revoke)
        .get("/signals", Policy::Member, own_signals::list)
        .get("/signals/{signal}", Policy::Member, own_signals::show)
        .post("/signals/{signal}/answer", Policy::Member, own_signals::answer)
}

fn journal(routes: Routes) -> Routes {
    routes
        .get("/journal/purpose", Policy::Auditor, auditor::purpose_form)
        .post("/journal/purpose", Policy::Auditor, auditor::declare)
        .get("/journal", Policy::Purposeful, auditor::list)
        .post("/journal/export", Policy::Purposeful, export::export)
        .get("/journal/activity", Policy::Purposeful, activity::show)
        .get("/journal/mandates/{mandate}", Policy::Purposeful, timeline::show)
        .get("/journal/inquiries", Policy::Purposeful, identities::list)
        .post("/journal/inquiries", Policy::Purposeful, identities::ask)
        .get("/journal/inquiries/{inquiry}", Policy::Purposeful, identities::show)
        .post("/journal/inquiries/{inquiry}/decision", Policy::Purposeful, identities::decide)
        .post("/journal/inquiries/{inquiry}/reading", Policy::Purposeful, identities::read)
        .get("/journal/signals", Policy::Purposeful, signals::list)
        .get("/journal/signals/{signal}", Policy::Purposeful, signals::show)
        .get("/journal/findings", Policy::Purposeful, signals::findings)
        .post("/journal/findings", Policy::Purposeful, signals::record)
        .get("/journal/{entry}", Policy::Purposeful, entry::show)
}

fn office(routes: Routes) -> Routes {
    routes
        .get("/office", Policy::Officer, erasures::list)
        .get("/office/erasures/new", Policy::Officer, erasures::form)
        .post("/office/erasures", Policy::Officer, erasures::ask)
        .get("/office/erasures/{erasure}", Policy::Officer, erasures::show)
        .post("/office/erasures/{erasure}/approval", Policy::Officer, erasures::approve)
        .post("/office/erasures/{erasure}/refusal", Policy::Officer, erasures::decline)
        .get("/office/holds/new", Policy::Officer, holds::form)
        .post("/office/holds", Policy::Officer, holds::set)
        .post("/office/holds/{hold}/lifting", Policy::Officer, holds::lift)
}

fn provider(routes: Routes) -> Routes {
    routes
        .get("/.well-known/openid-configuration", Policy::Machine, endpoints::metadata)
        .get("/jwks", Policy::Machine, endpoints::key_set)
        .get("/authorize", Policy::Machine, authorize::start)
        .post("/authorize", Policy::Machine, authorize::start)
        .post("/par", Policy::Machine, inquiries::push)
        .post("/token", Policy::Machine, endpoints::token)
        .post("/revocation", Policy::Machine, inquiries::revoke)
        .post("/introspection", Policy::Machine, inquiries::introspect)
        .get("/api/mandates/{mandate}/standing", Policy::Machine, inquiries::standing)
        .post("/api/mandates/{mandate}/standing", Policy::Machine, inquiries::asked_standing)
        .get("/userinfo", Policy::Machine, endpoints::userinfo)
        .post("/userinfo", Policy::Machine, endpoints::userinfo)
        .get("/session/end", Policy::Machine, endpoints::end_session)
        .post("/session/end", Policy::Machine, endpoints::end_session)
        .get("/provider/{flow}", Policy::Mediator, choice::citizens)
        .get("/provider/{flow}/citizens/{citizen}", Policy::Mediator, choice::procedures)
        .post("/provider/{flow}/citizens/{citizen}", Policy::Mediator, exercise::choose)
        .post("/provider/{flow}/cancellation", Policy::Mediator, choice::cancel)
}
