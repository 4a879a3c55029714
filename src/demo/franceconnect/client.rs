//! FranceConnect as a client of Mandataire: an identity comes from a mandate, in FranceConnect's own order of calls.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::checks::{self, Expected};
use super::citizens::registered;
use super::identity::Identity;
use super::memory::{Departure, Interaction, Person, Via};
use super::pages::{Halt, Replay};
use super::{BASE, Bridge, callback_uri};
use crate::demo::site;

/// `POST /interaction/{uid}/mandataire`: off to Mandataire, whose addresses are registered and not discovered.
pub(super) async fn start(bridge: Data<Bridge>, request: HttpRequest, uid: Path<String>) -> Result<HttpResponse, Halt> {
    let mut memory = bridge.memory();
    let (session, interaction) = memory.interaction(&request, &uid, bridge.now())?;
    if !bridge.offers_mandataire(&interaction) {
        return Err(Halt::new("Y020023", "Ce service n'est pas ouvert aux aidants professionnels."));
    }
    let (state, nonce) = (bridge.hexadecimal_secret(), bridge.hexadecimal_secret());
    let procedures = &bridge.asking(&interaction)?.rep_scope;
    let claims = json!({ "id_token": { "rep_scope": { "essential": true, "values": procedures } } });
    let settings = &bridge.settings;
    let target = site::with_query(
        &format!("{}/authorize", settings.mandataire),
        &[
            ("client_id", &settings.identity_provider_client.id),
            ("scope", "openid profile email birth"),
            ("response_type", "code"),
            ("redirect_uri", &callback_uri(&settings.origin)),
            ("acr_values", "eidas1"),
            ("nonce", &nonce),
            ("state", &state),
            ("prompt", "login"),
            ("claims", &claims.to_string()),
        ],
    );
    session.departure = Some(Departure { uid: interaction.uid, state, nonce });
    Ok(site::see_other(&target))
}

/// Query of the callback.
#[derive(Deserialize)]
pub(super) struct Return {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

/// `GET /oidc-callback`
pub(super) async fn callback(
    bridge: Data<Bridge>,
    request: HttpRequest,
    answer: Query<Return>,
) -> Result<HttpResponse, Halt> {
    let (departure, interaction) = bridge.arrival(&request, &answer)?;
    let back = format!("{BASE}/interaction/{}", interaction.uid);
    let with_way_back = |halt: Halt| Halt { back: Some(bridge.failure(&interaction)), ..halt };
    if let Some(error) = &answer.error {
        bridge.tell(&request, &interaction, error)?;
        return Ok(site::see_other(&back));
    }
    let code = answer.code.as_deref().filter(|code| !code.is_empty());
    let code = code.ok_or_else(|| with_way_back(Halt::new("Y020025", "Mandataire n'a pas donné de code.")))?;
    if answer.iss.as_ref().is_some_and(|issuer| *issuer != bridge.settings.mandataire) {
        return Err(with_way_back(unusable("iss")));
    }
    let person = bridge.identify(code, &departure, &interaction).await.map_err(with_way_back)?;
    let mut memory = bridge.memory();
    memory.last_code = Some(code.to_owned());
    memory.interaction(&request, &interaction.uid, bridge.now())?.0.person = Some(person);
    Ok(site::see_other(&back))
}

/// `POST /demonstration/replay`: presents the last code a second time, with the right secret, and shows the answer.
pub(super) async fn replay(bridge: Data<Bridge>) -> Result<HttpResponse, Halt> {
    let code = bridge.memory().last_code.clone();
    let code = code.ok_or_else(|| Halt::new("Y020025", "Aucun code n'a encore été reçu."))?;
    let (status, answer) = bridge.present(&code).await?;
    let error = answer.get("error").and_then(Value::as_str).unwrap_or("aucune : le code a servi deux fois");
    Ok(site::page(StatusCode::OK, &Replay { status, error }))
}

impl Bridge {
    /// The departure that this return answers, and the sign-in it belongs to. A departure is answered once.
    fn arrival(&self, request: &HttpRequest, answer: &Return) -> Result<(Departure, Interaction), Halt> {
        let now = self.now();
        let mut memory = self.memory();
        let session = memory.session(request, now)?;
        let state = answer.state.as_deref().filter(|state| !state.is_empty());
        let state = state.ok_or_else(|| Halt::new("Y020021", "Mandataire n'a pas rendu « state »."))?;
        let same =
            |departure: &mut Departure| verify_slices_are_equal(departure.state.as_bytes(), state.as_bytes()).is_ok();
        let foreign = || Halt::new("Y020022", "Le « state » rendu n'est pas celui de ce navigateur.");
        let departure = session.departure.take_if(same).ok_or_else(foreign)?;
        let interaction = session.interaction.clone().filter(|interaction| interaction.uid == departure.uid);
        Ok((departure, interaction.ok_or_else(Halt::session_lost)?))
    }

    /// Puts a message on the list: the service is not told, the person may try again or sign in otherwise.
    fn tell(&self, request: &HttpRequest, interaction: &Interaction, error: &str) -> Result<(), Halt> {
        let mut memory = self.memory();
        let (session, mut interaction) = memory.interaction(request, &interaction.uid, self.now())?;
        interaction.message = Some(format!(
            "Mandataire n'a pas confirmé l'identité ({error}). Vous pouvez réessayer ou vous connecter autrement."
        ));
        session.interaction = Some(interaction);
        Ok(())
    }

    /// Code to tokens, tokens to identity, identity to a person of the civil status register.
    async fn identify(&self, code: &str, departure: &Departure, interaction: &Interaction) -> Result<Person, Halt> {
        let (status, answer) = self.present(code).await?;
        if status != 200 {
            return Err(unusable(answer.get("error").and_then(Value::as_str).unwrap_or("token")));
        }
        let client = &self.settings.identity_provider_client;
        let tokens = checks::tokens(
            &answer,
            &Expected {
                issuer: &self.settings.mandataire,
                client_id: &client.id,
                secret: &client.secret,
                nonce: &departure.nonce,
                now: self.now().timestamp(),
            },
        )?;
        let identity = checks::identity(&self.userinfo(&tokens.access_token).await?)?;
        checks::rep_scope(&self.asking(interaction)?.rep_scope, &tokens.rep_scope)?;
        let unknown = || Halt::new("Y010004", "Le répertoire d'état civil ne connaît pas cette identité.");
        let civil_status = registered(&identity).ok_or_else(unknown)?.identity();
        // The service receives the register's civil status, with Mandataire's contact details and birthdate.
        let Identity { preferred_username, birthdate, email, .. } = identity;
        let identity = Identity { preferred_username, birthdate, email, ..civil_status };
        let via = Via::Mandataire { id_token: tokens.id_token, rep_scope: tokens.rep_scope };
        Ok(Person { identity, via })
    }

    /// Presents a code at Mandataire's `/token`; its status and its JSON.
    async fn present(&self, code: &str) -> Result<(u16, Value), Halt> {
        let (settings, client) = (&self.settings, &self.settings.identity_provider_client);
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", &callback_uri(&settings.origin))
            .append_pair("client_id", &client.id)
            .append_pair("client_secret", &client.secret)
            .finish();
        let request = self
            .http
            .post(format!("{}/token", settings.mandataire))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .body(form);
        let response = request.send().await.map_err(|_| unusable("token"))?;
        let status = response.status().as_u16();
        let text = response.text().await.map_err(|_| unusable("token"))?;
        serde_json::from_str(&text).map(|answer| (status, answer)).map_err(|_| unusable("token"))
    }

    async fn userinfo(&self, access_token: &str) -> Result<Value, Halt> {
        let refused = || Halt::new("Y020029", "Mandataire n'a pas donné l'identité.");
        let request = self
            .http
            .get(format!("{}/userinfo", self.settings.mandataire))
            .header(AUTHORIZATION, format!("Bearer {access_token}"))
            .header(ACCEPT, "application/json");
        let response = request.send().await.map_err(|_| refused())?;
        let json =
            response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
        if response.status().as_u16() != 200 || !json {
            return Err(refused());
        }
        let text = response.text().await.map_err(|_| refused())?;
        serde_json::from_str(&text).map_err(|_| refused())
    }
}

fn unusable(why: &str) -> Halt {
    let halt = Halt::new("Y020026", format!("La réponse de Mandataire est inutilisable ({why})."));
    Halt { status: StatusCode::BAD_GATEWAY, ..halt }
}
