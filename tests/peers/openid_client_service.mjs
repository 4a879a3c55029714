// One registration of a public service in Node.js with openid-client 6, the library as its documentation has it used.
import assert from 'node:assert/strict';

import * as oidc from 'openid-client-6';

import { identityToReplay } from './citizens.mjs';
import { choose, must } from './pages.mjs';

const SCOPE = 'openid profile email birth';
export const SITE = 'https://allocataires.example.fr';
export const PROCEDURE = 'logement';
const AUTHENTICATION = {
  client_secret_basic: oidc.ClientSecretBasic,
  client_secret_post: oidc.ClientSecretPost,
  private_key_jwt: oidc.PrivateKeyJwt,
};

/** The library's error, or that it was accepted. */
export async function refusal(promise) {
  const caught = await promise.then(
    () => undefined,
    (error) => error,
  );
  must(caught, 'accepted');
  return caught;
}

/** The word of OAuth for the refusal, from the body or from the challenge of the header. */
export const wordOf = (error) =>
  error.error ?? error.cause?.at?.(0)?.parameters?.error ?? `${error.code}: ${error.message}`;

/** What was received is what FranceConnect said of the citizen, under a subject of the service's own. */
export function sameIdentity({ sub, iss, aud, exp, iat, ...identity }, citizen) {
  assert.deepEqual(identity, identityToReplay(citizen));
  must(/^[\w-]{43}$/.test(sub) && sub !== citizen.sub, `sub ${sub}`);
}

/** One registration, and what it does with the library. */
export class Service {
  /**
   * `auth`, `idToken` and `userinfo` as registered; with private_key_jwt also `key`, the private key that signs for it.
   * `more` are further words of its registration.
   */
  constructor(registration) {
    Object.assign(this, registration);
    this.redirectUri = `${SITE}/${this.auth}/callback`;
    this.logoutUri = `${SITE}/${this.auth}/signed-out`;
  }

  async register({ admin, base, secrets }) {
    this.issuer = base;
    const { redirectUri, logoutUri, auth, idToken, userinfo, more } = this;
    const name = `openid-client ${auth}`;
    this.client = await admin.client({ name, redirectUri, logoutUri, auth, idToken, userinfo, more });
    if (this.client.client_secret) secrets.push(this.client.client_secret);
  }

  async discover() {
    const { client_id: id, client_secret: secret } = this.client;
    const metadata = {
      id_token_signed_response_alg: this.idToken,
      ...(secret && { client_secret: secret }),
      ...(this.userinfo && { userinfo_signed_response_alg: this.userinfo }),
    };
    const authentication = AUTHENTICATION[this.auth](this.key ?? secret);
    const options = { execute: [oidc.allowInsecureRequests], timeout: 10 };
    this.config = await oidc.discovery(new URL(this.issuer), id, metadata, authentication, options);
    return this.config.serverMetadata();
  }

  /** A request, in the address or (`pushed`) sent ahead, with the key of `dpop`; `more` goes into it as it is. */
  async ask({ pushed = false, dpop, pkce = true, ...more } = {}) {
    const verifier = oidc.randomPKCECodeVerifier();
    const [state, nonce] = [oidc.randomState(), oidc.randomNonce()];
    const parameters = {
      redirect_uri: this.redirectUri,
      scope: SCOPE,
      state,
      nonce,
      ...(pkce && { code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' }),
      ...more,
    };
    const url = pushed
      ? await oidc.buildAuthorizationUrlWithPAR(this.config, parameters, dpop && { DPoP: dpop })
      : oidc.buildAuthorizationUrl(this.config, parameters);
    const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
    return { url, checks };
  }

  /** The browser's way from the request to the address with the code. */
  async codeFor(world, { url }) {
    const { browser, citizens } = world;
    await browser.open(url.href, this.redirectUri);
    await choose(world, citizens.get('plain'), PROCEDURE);
    return this.returned(world);
  }

  returned({ browser }) {
    const { page } = browser;
    must(page.url.startsWith(`${this.redirectUri}?`), `not sent back: ${page}`);
    return new URL(page.url);
  }

  /** The library checks `iss` and `state`, then the ID token. */
  async exchange(world, back, checks, options) {
    const tokens = await oidc.authorizationCodeGrant(this.config, back, checks, undefined, options);
    world.secrets.push(tokens.access_token, tokens.id_token);
    return tokens;
  }

  /** The library compares `sub`, and checks the signature if one is registered. */
  identity(tokens, options) {
    return oidc.fetchUserInfo(this.config, tokens.access_token, tokens.claims().sub, options);
  }

  /** All of it; `options` may hold `DPoP`. */
  async use(world, asked, options) {
    const back = await this.codeFor(world, asked);
    const tokens = await this.exchange(world, back, asked.checks, options);
    return { tokens, identity: await this.identity(tokens, options) };
  }
}
