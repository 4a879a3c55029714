//! The sign-out at FranceConnect, right after an identification: its session would otherwise hand this citizen's identity to
//! the next one at the same desk.

use std::str::FromStr;

use openidconnect::core::CoreIdToken;
use openidconnect::{CsrfToken, LogoutRequest, PostLogoutRedirectUrl};
use url::Url;

use super::{Fault, Outage, Refused, RelyingParty, Step};

impl RelyingParty {
    /// Where to send the browser; nowhere if the provider knows no sign-out. `id_token` is the one of [`super::Identified`], however old; `state` comes back with the
    /// citizen.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] if FranceConnect's metadata is unknown and cannot be had; [`Refused::Form`] if the token is none.
    pub async fn logout_url(&self, id_token: &str, state: &str) -> Result<Option<Url>, Fault> {
        if !self.0.settings.logout {
            return Ok(None);
        }
        let provider = self.provider().await?;
        let endpoint = provider
            .metadata
            .additional_metadata()
            .end_session_endpoint
            .clone()
            .ok_or_else(|| Fault::unavailable(Step::Discovery, Outage::Missing("end_session_endpoint")))?;
        let back = PostLogoutRedirectUrl::new(self.0.settings.post_logout_redirect_uri.clone())
            .map_err(|_| Fault::Settings("the sign-out redirect address is no address"))?;
        let id_token = CoreIdToken::from_str(id_token).map_err(|_| Refused::Form)?;
        let request = LogoutRequest::from(endpoint)
            .set_id_token_hint(&id_token)
            .set_post_logout_redirect_uri(back)
            .set_state(CsrfToken::new(state.to_owned()));
        Ok(Some(request.http_get_url()))
    }

    /// Where the browser comes back to afterwards.
    #[must_use]
    pub fn back_from_sign_out(&self) -> &str {
        &self.0.settings.post_logout_redirect_uri
    }
}
