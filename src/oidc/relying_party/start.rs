//! The address at FranceConnect where a citizen's sign-in starts.

use std::fmt;

use openidconnect::core::{CoreAuthPrompt, CoreAuthenticationFlow, CoreClient};
use openidconnect::{
    AuthenticationContextClass, ClientId, CsrfToken, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
};
use url::Url;

use super::breaker::Entry;
use super::{Fault, Outage, RelyingParty, Step};
use crate::clock::Random;

/// A sign-in that starts. Everything but `url` is to be kept in the session of the person who starts it.
pub struct Started {
    /// Where to send the browser.
    pub url: Url,
    /// What the callback must bring back, to the same session.
    pub state: String,
    /// What the ID token must say.
    pub nonce: String,
    /// The PKCE verifier, if the settings ask for PKCE.
    pub verifier: Option<String>,
}

/// Nothing of it is for a log.
impl fmt::Debug for Started {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Started").finish_non_exhaustive()
    }
}

impl RelyingParty {
    /// Prepares a sign-in. FranceConnect refuses any parameter that is not on its list, so there are exactly
    /// `response_type`, `client_id`, `redirect_uri`, `scope`, `state`, `nonce`, `acr_values` and `prompt`; and with PKCE
    /// the two of RFC 7636.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] if FranceConnect's metadata is unknown and cannot be had, or FranceConnect is left alone.
    pub async fn start(&self, random: &Random) -> Result<Started, Fault> {
        let settings = &self.0.settings;
        let provider = match self.0.breaker.entry(self.0.clock.now()) {
            Entry::Free => self.provider().await?,
            Entry::Trial(trial) => self.tried(&trial).await?,
            Entry::Paused => return Err(Fault::unavailable(Step::Discovery, Outage::Paused)),
        };
        let redirect = RedirectUrl::new(settings.redirect_uri.clone())
            .map_err(|_| Fault::Settings("the redirect address is no address"))?;
        let (state, nonce) = (random.token(), random.token());
        let verifier = settings.pkce.then(|| random.token());
        let client = CoreClient::from_provider_metadata(
            provider.metadata.clone(),
            ClientId::new(settings.client_id.clone()),
            None, // the secret is for the token endpoint, not for the browser
        )
        .set_redirect_uri(redirect)
        .disable_openid_scope(); // already among the settings
        let mut request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(state),
                move || Nonce::new(nonce),
            )
            .add_scopes(settings.scopes.iter().cloned().map(Scope::new))
            .add_auth_context_value(AuthenticationContextClass::new(settings.acr.clone()))
            .add_prompt(CoreAuthPrompt::Login);
        if let Some(verifier) = &verifier {
            let verifier = PkceCodeVerifier::new(verifier.clone());
            request = request.set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        }
        let (url, state, nonce) = request.url();
        Ok(Started { url, state: state.into_secret(), nonce: nonce.secret().clone(), verifier })
    }
}
