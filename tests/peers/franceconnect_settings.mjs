// FranceConnect's published settings of its OpenID Connect library, for both of its platforms.
import { generateKeyPairSync, randomBytes } from 'node:crypto';

import { citizens } from './citizens.mjs';

export const PREFIX = '/api/v2';
const PIVOT = ['given_name', 'family_name', 'birthdate', 'gender', 'birthplace', 'birthcountry'];
const ARRAY = 'given_name_array';

/** What the civil register says, beside what the identity's own provider says: on FranceConnect+ only. */
const REGISTER = Object.fromEntries(
  PIVOT.map((name) => [
    `rnipp_${name}`,
    name === 'given_name' ? [name, `rnipp_${name}`, `rnipp_${ARRAY}`] : [name, `rnipp_${name}`],
  ]),
);
const register = (names) => [...new Set(names.flatMap((name) => REGISTER[`rnipp_${name}`]))];

/** The claims that each scope gives; `array` is whether the first names come one by one too. */
function scopes(array, ...alone) {
  const first = array ? ['given_name', ARRAY] : ['given_name'];
  const pivot = [...first, ...PIVOT.slice(1)];
  return {
    openid: ['sub'],
    profile: [...first, 'family_name', 'birthdate', 'gender', 'preferred_username'],
    birth: ['birthplace', 'birthcountry'],
    identite_pivot: pivot,
    ...Object.fromEntries([...pivot, 'email', 'preferred_username', 'amr', ...alone].map((one) => [one, [one]])),
    given_name: first,
  };
}

/** What the platforms differ in. Lifetimes are in seconds. */
export const PLATFORMS = {
  /** Level eidas1: it answers the corrected identity, and what it was told at first only as `idp_birthdate`. */
  low: {
    levels: ['eidas1'],
    fallback: 'eidas1',
    /** The level at which its own session stands in for a sign-in. */
    remembered: 'eidas1',
    session: 1800,
    signing: ['HS256', 'ES256', 'RS256'],
    /** What this service asks there, and is registered for. */
    scopes: 'openid identite_pivot preferred_username email idp_birthdate',
    claims: scopes(true, 'idp_birthdate'),
    person: (citizen) => citizen,
    encryption: undefined,
  },
  /** FranceConnect+, levels eidas2 and eidas3: tokens are signed, then encrypted for whoever registered a key. */
  high: {
    levels: ['eidas2', 'eidas3'],
    fallback: 'eidas3',
    remembered: 'eidas2',
    session: 600,
    signing: ['ES256'],
    scopes: 'openid identite_pivot preferred_username email',
    claims: {
      ...scopes(false),
      ...REGISTER,
      rnipp_profile: register(['given_name', 'family_name', 'birthdate', 'gender']),
      rnipp_birth: register(['birthplace', 'birthcountry']),
      rnipp_identite_pivot: register(PIVOT),
    },
    person: ({ given_name_array: array, idp_birthdate: birthdate, ...citizen }) => ({
      ...citizen,
      birthdate,
      [`rnipp_${ARRAY}`]: array,
      ...Object.fromEntries(PIVOT.map((name) => [`rnipp_${name}`, citizen[name]])),
    }),
    encryption: { key: ['ECDH-ES', 'RSA-OAEP', 'RSA-OAEP-256'], content: ['A256GCM'] },
  },
};

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

/** The settings for encryption, where the platform encrypts. */
function encryption({ encryption: algorithms }) {
  if (algorithms === undefined) return {};
  const { key, content } = algorithms;
  return {
    idTokenEncryptionAlgValues: key,
    idTokenEncryptionEncValues: content,
    userinfoEncryptionAlgValues: key,
    userinfoEncryptionEncValues: content,
  };
}

/** `sessions` maps FranceConnect's own session, which is the account of the library, to the key of a citizen. */
export function settings(platform, client, sessions) {
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
    acrValues: platform.levels,
    scopes: ['openid'],
    claims: platform.claims,
    clientAuthMethods: ['client_secret_post', 'private_key_jwt'],
    enabledJWA: {
      idTokenSigningAlgValues: platform.signing,
      userinfoSigningAlgValues: platform.signing,
      ...encryption(platform),
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
      Interaction: platform.session,
      Session: platform.session,
    },
    acceptQueryParamAccessTokens: true,
    features: {
      devInteractions: { enabled: false },
      encryption: { enabled: platform.encryption !== undefined },
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
      return person && { accountId, claims: () => ({ ...platform.person(person), amr: ['fc'] }) };
    },
    renderError: (ctx, out) => {
      const code = REFUSALS[out.error] ?? 'Y030007';
      ctx.type = 'html';
      const why = escape(out.error_description ?? out.error);
      ctx.body = `<!doctype html><title>FranceConnect</title><p>${code}</p><p>${why}</p>`;
    },
  };
}
