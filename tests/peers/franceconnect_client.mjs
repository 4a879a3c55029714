// FranceConnect as our client: openid-client 5.7.0, the library and version FranceConnect pins, with the settings it
// keeps for this identity provider, its order of calls, and its own checks on our answers, rewritten from its published
// rules. A refusal carries the code that FranceConnect would show.
import { randomBytes } from 'node:crypto';

import { custom, Issuer } from 'openid-client';

custom.setHttpOptionsDefaults({ timeout: 6000 });

const SCOPE = 'openid profile email birth';
const LEVELS = ['eidas1', 'eidas2', 'eidas3'];
const ALLOWED_LEVELS = ['eidas1'];
const PLACE = /^(?:2[AB]|[0-9]{2})[0-9]{3}$/;
const ASCII = /^[\x20-\x7e]+$/;
const EMAIL = /^[^\s@,]+@[^\s@,.]+(?:\.[^\s@,.]+)*\.[^\s@,.]{2,}$/;

/** FranceConnect stops here and shows `code`. */
export class FranceConnectError extends Error {
  constructor(code, message, cause) {
    super(`${code}: ${message}`, { cause });
    this.code = code;
  }
}

function must(condition, code, message) {
  if (!condition) throw new FranceConnectError(code, message);
}

function isBirthdate(text) {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (match === null) return false;
  const [year, month, day] = match.slice(1).map(Number);
  if (day === 0) return month <= 12;
  const date = new Date(Date.UTC(year, month - 1, day));
  date.setUTCFullYear(year);
  return month !== 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

/** The checks on the token response. */
function checkTokens(tokens, requested) {
  must(ASCII.test(tokens.access_token ?? ''), 'Y020030', 'access_token');
  const { acr, amr, rep_scope: repScope } = tokens.claims();
  const strings = (value) => Array.isArray(value) && value.every((item) => typeof item === 'string');
  must(/^[A-Za-z0-9]+$/.test(acr ?? ''), 'Y020030', `acr ${acr}`);
  must(amr === undefined || strings(amr), 'Y020030', `amr ${JSON.stringify(amr)}`);
  must(repScope === undefined || strings(repScope), 'Y020030', `rep_scope ${JSON.stringify(repScope)}`);
  must(LEVELS.indexOf(acr) >= LEVELS.indexOf(requested), 'Y100001', `acr ${acr} is too low`);
  must(ALLOWED_LEVELS.includes(acr), 'Y100018', `acr ${acr} is not allowed`);
}

/** The check of the mandate's scope: only when the service behind has a list. */
function checkRepScope(claims, list) {
  const met = !list?.length || claims.rep_scope?.some((value) => list.includes(value));
  must(met, 'Y600020', `rep_scope ${JSON.stringify(claims.rep_scope)} meets none of ${JSON.stringify(list)}`);
}

/** The checks on the identity. */
function checkIdentity(identity) {
  const name = (value) => typeof value === 'string' && value.length >= 1 && value.length <= 256;
  must(ASCII.test(identity.sub ?? ''), 'Y020029', 'sub');
  must(name(identity.given_name), 'Y600006', 'given_name');
  must(name(identity.family_name), 'Y600006', 'family_name');
  must(isBirthdate(identity.birthdate), 'Y600006', `birthdate ${identity.birthdate}`);
  must(['female', 'male', 'unspecified'].includes(identity.gender), 'Y600006', `gender ${identity.gender}`);
  must(PLACE.test(identity.birthcountry), 'Y600006', `birthcountry ${identity.birthcountry}`);
  // A value sent for somebody born abroad is not refused there, but it spoils the query to the civil register.
  const place = identity.birthcountry === '99100' ? PLACE.test(identity.birthplace) : identity.birthplace === '';
  must(place, 'Y600006', `birthplace ${identity.birthplace}`);
  must(EMAIL.test(identity.email ?? ''), 'Y600006', `email ${identity.email}`);
  must(
    ['string', 'undefined'].includes(typeof (identity.preferred_username ?? undefined)),
    'Y600006',
    'preferred_username',
  );
}

/** FranceConnect, as one registered client of the identity provider `issuer`. */
export class FranceConnectClient {
  /**
   * `idTokenAlg` and `userinfoAlg` as registered; without `userinfoAlg` the answer must be plain JSON. `base` is
   * FranceConnect's own address, where the browser is sent back. With `discovery` the metadata are fetched afresh for
   * every use, as FranceConnect does; else they are written by hand, without keys if all is symmetric.
   */
  constructor({ issuer, base, clientId, clientSecret, idTokenAlg = 'HS256', userinfoAlg, discovery = false }) {
    this.issuer = issuer;
    this.discovery = discovery;
    this.redirectUri = `${base}/oidc-callback`;
    this.logoutUri = `${base}/client/logout-callback`;
    this.metadata = {
      client_id: clientId,
      client_secret: clientSecret,
      redirect_uris: [this.redirectUri],
      post_logout_redirect_uris: [this.logoutUri],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_post',
      id_token_signed_response_alg: idTokenAlg,
      ...(userinfoAlg && { userinfo_signed_response_alg: userinfoAlg }),
    };
  }

  async client() {
    const issuer = this.discovery
      ? await Issuer.discover(this.issuer)
      : new Issuer({
          issuer: this.issuer,
          authorization_endpoint: `${this.issuer}/authorize`,
          token_endpoint: `${this.issuer}/token`,
          userinfo_endpoint: `${this.issuer}/userinfo`,
          end_session_endpoint: `${this.issuer}/session/end`,
        });
    return new issuer.Client(this.metadata);
  }

  /** Starts a use for a service whose list is `repScope` (`null`: the key `values` is left out, as FranceConnect may). */
  async start(repScope = []) {
    const client = await this.client();
    const [state, nonce] = [randomBytes(32).toString('hex'), randomBytes(32).toString('hex')];
    const values = repScope === null ? {} : { values: repScope };
    const url = client.authorizationUrl({
      scope: SCOPE,
      redirect_uri: this.redirectUri,
      acr_values: 'eidas1',
      nonce,
      state,
      prompt: 'login',
      claims: JSON.stringify({ id_token: { rep_scope: { essential: true, ...values } } }),
    });
    return { client, url, state, nonce, repScope };
  }

  /** The parameters with which the browser came back; an error is returned, not thrown: the user may try again there. */
  returned(started, url) {
    const came = new URL(url);
    must(came.href.startsWith(`${this.redirectUri}?`), 'Y020021', `came back to ${came.origin}${came.pathname}`);
    const params = started.client.callbackParams(came.href);
    must(params.state, 'Y020021', 'no state');
    must(params.state === started.state, 'Y020022', 'another state');
    must(params.error || params.code, 'Y020025', 'neither code nor error');
    return params;
  }

  /** Exchanges the code; the library checks the ID token. */
  async exchange(started, params) {
    const checks = { state: started.state, nonce: started.nonce, response_type: 'code' };
    let tokens;
    try {
      tokens = await started.client.callback(this.redirectUri, params, checks);
    } catch (cause) {
      throw new FranceConnectError('Y020026', cause.message, cause);
    }
    checkTokens(tokens, 'eidas1');
    return tokens;
  }

  /** Fetches and checks the identity, then the mandate's scope, in FranceConnect's order. */
  async identity(started, tokens) {
    // The bare token, as FranceConnect passes it.
    const { iss, aud, exp, iat, ...identity } = await started.client.userinfo(tokens.access_token);
    checkRepScope(tokens.claims(), started.repScope);
    checkIdentity(identity);
    return identity;
  }

  /** Where FranceConnect sends the browser to log out; `state` must come back. */
  async logout(idToken) {
    const state = randomBytes(32).toString('hex');
    const client = await this.client();
    const url = client.endSessionUrl({ id_token_hint: idToken, post_logout_redirect_uri: this.logoutUri, state });
    return { url, state };
  }
}
