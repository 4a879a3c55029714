//! `prompt=none`: a service that registered for it is answered again without a page, as the mediator chose at it a moment ago.

use actix_web::HttpResponse;

use crate::credential;
use crate::domain::Instant;
use crate::domain::authenticator::FreshCode;
use crate::domain::event::Kind;
use crate::domain::flow::Flow;
use crate::domain::id::FlowId;
use crate::domain::mediator::Mediator;
use crate::domain::repeat::Needs;
use crate::oidc::provider::authorize::answer;
use crate::store::sessions::Session;
use crate::store::{Tx, flows, grants, journal, mandates};
use crate::web::context::Current;
use crate::web::problem::Problem;
use crate::web::screen::see_other;
use crate::web::state::App;

/// OpenID Connect Core 3.1.2.6.
const fn error(needs: Needs) -> &'static str {
    match needs {
        Needs::SignIn => "login_required",
        Needs::Choice => "interaction_required",
        Needs::Agreement => "consent_required",
    }
}

/// The code, or the error for the service. The session is not kept awake by it: nobody was there.
///
/// # Errors
/// The database.
pub(super) async fn again(
    app: &App,
    flow: Flow,
    hint: Option<FlowId>,
    session: Session,
) -> Result<Result<HttpResponse, &'static str>, Problem> {
    let (code, now) = (app.random.token(), app.clock.now());
    let Current { session, mediator, .. } = Current::new(session, now);
    let last_code = session.code_at.map(FreshCode::remembered);
    if session.is_idle(now) || last_code.is_none() || flow.authenticated(last_code).is_err() {
        return Ok(Err(error(Needs::SignIn)));
    }
    let Ok(mediator) = mediator else { return Ok(Err(error(Needs::Choice))) };
    let flow = flow.taken_by(&mediator)?;
    let by = By { mediator, session, hint, code_hash: credential::token_hash(&code), now };
    let repeated = app.store.decide(move |tx| by.repeat(tx, flow.clone())).await?;
    Ok(match repeated {
        Ok(flow) => {
            let url =
                answer(&flow.redirect_uri, &app.provider.issuer, flow.state.as_deref(), &[("code", code.as_str())]);
            Ok(see_other(url.ok_or(Problem::Malformed("redirect_uri"))?.as_str()))
        }
        Err(needs) => Err(error(needs)),
    })
}

struct By {
    mediator: Mediator,
    session: Session,
    hint: Option<FlowId>,
    code_hash: [u8; 32],
    now: Instant,
}

impl By {
    /// One transaction: the choice is found, its mandate asked again, and the journal says that it was repeated.
    fn repeat(&self, tx: &mut Tx<'_>, flow: Flow) -> Result<Result<Flow, Needs>, Problem> {
        let (session, now) = (&self.session.id, self.now);
        let choices = grants::choices(tx, session)?;
        let chosen = match flow.repeated(self.hint.as_ref(), &choices, &self.mediator, now) {
            Ok(chosen) => chosen,
            Err(needs) => return Ok(Err(needs)),
        };
        let mandate = mandates::held_by(tx, &chosen.organisation, &chosen.mandate)?;
        let pass = match mandate.exercise(&self.mediator, chosen.procedure, flow.procedures.as_ref(), now) {
            Ok(pass) => pass,
            Err(refusal) => return Ok(Err(Needs::from_refusal(refusal))),
        };
        mandates::demand_open(tx, pass.authorisation());
        grants::demand_unrevoked(tx, chosen)?;
        flows::start(tx, &flow, Some(now))?;
        let auth_time = self.session.code_at.unwrap_or(self.session.created_at);
        let new = grants::New {
            flow: &flow,
            repeats: Some(&chosen.flow),
            session,
            auth_time,
            authentication: self.session.authentication,
            code_hash: &self.code_hash,
        };
        grants::issue(tx, &pass, &new, now)?;
        journal::record(tx, &pass.event(Kind::UseRepeated, &flow.client, now))?;
        Ok(Ok(flow))
    }
}
