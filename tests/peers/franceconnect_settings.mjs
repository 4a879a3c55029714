// FranceConnect's published settings of its OpenID Connect library, for the platform of level eidas1.
import { generateKeyPairSync, randomBytes } from 'node:crypto';

import { citizens } from './citizens.mjs';

export const PREFIX = '/api/v2';
export const HALF_AN_HOUR = 1800;
const PIVOT = ['given_name', 'given_name_array', 'family_name', 'birthdate', 'gender', 'birthplace', 'birthcountry'];
const ALONE = [...PIVOT, 'email', 'preferred_username', 'idp_birthdate', 'amr'];
const ALGORITHMS = ['HS256', 'ES256', 'RS256'];
const REFUSALS = { invalid_client: 'Y04EA6EF', invalid_redirect_uri: 'Y04C013C' };

export const escape = (text) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

function signingKeys() {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
  return [
    { ...ec, use: 'sig', alg: 'ES256', kid: 'pkcs11:ES256:hsm' },
    { ...rsa, use: 'sig', alg: 'RS256', kid: 'pkcs11:RS256:hsm' },
  ];
}

/** `sessions` maps FranceConnect's own session, which is the account of the library, to the key of a citizen. */
export function settings(client, sessions) {
  return {
    clients: [client],
    jwks: { keys: signingKeys() },
    routes: {
      authorization: '/authorize',
      token: '/token',
      userinfo: '/userinfo',
      jwks: '/jwks',
      end_session: '/session/end',
      revocation: '/token/revocation',
    },
    subjectTypes: ['pairwise'],
    // The account is a session: only here does the library ask for the person behind it.
    pairwiseIdentifier: (_ctx, accountId) => citizens.get(sessions.get(accountId)).sub,
    responseTypes: ['code'],
    acrValues: ['eidas1'],
    scopes: ['openid'],
    claims: {
      openid: ['sub'],
      profile: ['given_name', 'given_name_array', 'family_name', 'birthdate', 'gender', 'preferred_username'],
      birth: ['birthplace', 'birthcountry'],
      identite_pivot: PIVOT,
      ...Object.fromEntries(ALONE.map((one) => [one, [one]])),
      given_name: ['given_name', 'given_name_array'],
    },
    clientAuthMethods: ['client_secret_post', 'private_key_jwt'],
    enabledJWA: {
      idTokenSigningAlgValues: ALGORITHMS,
      userinfoSigningAlgValues: ALGORITHMS,
    },
    clientBasedCORS: () => false,
    cookies: {
      keys: [randomBytes(32).toString('hex')],
      long: { sameSite: 'lax', path: '/', signed: true },
      short: { sameSite: 'lax', path: '/', signed: true },
    },
    pkce: { required: () => false },
    ttl: {
      AccessToken: 60,
      AuthorizationCode: 30,
      Grant: 30,
      IdToken: 60,
      Interaction: HALF_AN_HOUR,
      Session: HALF_AN_HOUR,
    },
    acceptQueryParamAccessTokens: true,
    features: {
      devInteractions: { enabled: false },
      encryption: { enabled: false },
      jwtUserinfo: { enabled: true },
      backchannelLogout: { enabled: false },
      revocation: { enabled: true },
      claimsParameter: { enabled: true },
      resourceIndicators: { enabled: false },
      requestObjects: { enabled: true },
      pushedAuthorizationRequests: { enabled: false },
      rpInitiatedLogout: {
        enabled: true,
        // FranceConnect asks nothing: its page submits itself.
        logoutSource: (ctx, form) => {
          ctx.body = `<!doctype html><title>Déconnexion</title>${form.replace(
            '</form>',
            '<input type="hidden" name="logout" value="yes"></form>',
          )}<script>document.forms[0].submit()</script>`;
        },
      },
    },
    interactions: { url: (_ctx, interaction) => `${PREFIX}/interaction/${interaction.uid}` },
    findAccount: (_ctx, accountId) => {
      const person = citizens.get(sessions.get(accountId));
      return person && { accountId, claims: () => ({ ...person, amr: ['fc'] }) };
    },
    renderError: (ctx, out) => {
      const code = REFUSALS[out.error] ?? 'Y030007';
      ctx.type = 'html';
      const why = escape(out.error_description ?? out.error);
      ctx.body = `<!doctype html><title>FranceConnect</title><p>${code}</p><p>${why}</p>`;
    },
  };
}
