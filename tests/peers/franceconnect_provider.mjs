// FranceConnect as our provider, low or, asked for, FranceConnect+: oidc-provider with FranceConnect's own settings, behind
// a front that refuses what FranceConnect refuses before its library sees it. Not its code: its published rules, rewritten.
//
// By hand: node franceconnect_provider.mjs 4100 CLIENT_ID CLIENT_SECRET http://127.0.0.1:8080
import { randomBytes } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

import Provider from 'oidc-provider';

import { citizens } from './citizens.mjs';
import { escape, PLATFORMS, PREFIX, settings } from './franceconnect_settings.mjs';

const AUTHORIZE_PARAMETERS = new Set(
  'client_id response_type redirect_uri scope state nonce acr_values claims prompt idp_hint ui_locales'.split(' '),
);
const LOGOUT_PARAMETERS = new Set(
  'id_token_hint post_logout_redirect_uri state client_id logout_hint ui_locales'.split(' '),
);
const KNOWN_LEVELS = ['eidas1', 'eidas2', 'eidas3'];

/** A refusal shown as a page, never as a redirect. */
class Refused extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

function page(res, status, body) {
  const head = '<head><meta charset="utf-8"><title>FranceConnect</title></head>';
  const html = `<!doctype html><html lang="fr">${head}${body}</html>`;
  res.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  res.end(html);
}

async function body(req) {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

const cookie = (req, name) =>
  req.headers.cookie
    ?.split('; ')
    .find((pair) => pair.startsWith(`${name}=`))
    ?.slice(name.length + 1);

function onlyKnown(params, known) {
  const names = [...params.keys()];
  const stranger = names.find((name) => !known.has(name));
  if (stranger !== undefined) throw new Refused('Y030007', `property ${stranger} should not exist`);
  if (new Set(names).size !== names.length) throw new Refused('Y030007', 'repeated parameter');
}

/** FranceConnect validates before its OpenID Connect library does, and is stricter. */
function checkAuthorize(params) {
  onlyKnown(params, AUTHORIZE_PARAMETERS);
  for (const name of ['client_id', 'response_type', 'redirect_uri', 'scope', 'state', 'nonce', 'acr_values']) {
    if (!params.get(name)) throw new Refused('Y030007', `${name} should not be empty`);
  }
  if (params.get('nonce').length < 22)
    throw new Refused('Y030007', 'nonce must be longer than or equal to 22 characters');
  const prompt = params.get('prompt')?.split(' ');
  if (prompt?.some((value) => value !== 'login' && value !== 'consent')) {
    throw new Refused('Y030007', 'prompt must be login and/or consent');
  }
}

/** The lowest level asked for that is known, or the platform's own if none is. */
function levelOf(platform, params) {
  const asked = params.get('acr_values').split(' ');
  return KNOWN_LEVELS.find((known) => asked.includes(known)) ?? platform.fallback;
}

/** The errors that FranceConnect sends back to the client before asking anything of the citizen. */
function earlyError(platform, params) {
  if (params.has('idp_hint')) return 'invalid_idp_hint';
  return platform.levels.includes(levelOf(platform, params)) ? undefined : 'invalid_acr';
}

/** What a client registers to be sent everything encrypted: the address of its keys, and how its key is used. */
function encrypted({ jwksUri, key }) {
  return {
    jwks_uri: jwksUri,
    id_token_encrypted_response_alg: key,
    id_token_encrypted_response_enc: 'A256GCM',
    userinfo_encrypted_response_alg: key,
    userinfo_encrypted_response_enc: 'A256GCM',
  };
}

const form = (action, content) => `<form method="post" action="${action}">${content}</form>`;

/** What the citizen sees: the test citizens, or, while FranceConnect's session lasts, only the previous person. */
function loginPage(uid, previous) {
  const here = `${PREFIX}/interaction/${uid}`;
  if (previous !== undefined) {
    const button = '<button>Continuer</button>';
    return `<h1>Continuer en tant que ${escape(previous)}</h1>${form(`${here}/continue`, button)}`;
  }
  const buttons = [...citizens].map(([key, who]) => {
    const name = escape(`${key}: ${who.given_name} ${who.family_name}`);
    return `<p><button name="citizen" value="${key}">${name}</button></p>`;
  });
  const back = form(`${here}/abort`, '<button>Retour</button>');
  return `<h1>Se connecter</h1>${form(`${here}/login`, buttons.join(''))}${back}`;
}

/** The stand-in itself: `provider` is the library, `sessions` FranceConnect's own single sign-on. */
class FranceConnect {
  constructor(
    issuer,
    { platform, clientId, clientSecret, redirectUri, postLogoutRedirectUri, scopes, algorithm, encryption },
  ) {
    this.issuer = issuer;
    this.platform = platform;
    this.redirectUri = redirectUri;
    /** Every authorize request, as received: tests look at what was sent. */
    this.requests = [];
    /** Session cookie → key of the citizen. */
    this.sessions = new Map();
    const client = {
      client_id: clientId,
      client_secret: clientSecret,
      redirect_uris: [redirectUri],
      post_logout_redirect_uris: [postLogoutRedirectUri],
      scope: scopes,
      grant_types: ['authorization_code'],
      response_types: ['code'],
      subject_type: 'pairwise',
      token_endpoint_auth_method: 'client_secret_post',
      id_token_signed_response_alg: algorithm,
      userinfo_signed_response_alg: algorithm,
      ...(encryption && encrypted(encryption)),
    };
    this.provider = new Provider(issuer, settings(platform, client, this.sessions));
    this.provider.on('end_session.success', (ctx) => this.sessions.delete(cookie(ctx.req, 'fc_session_id')));
    this.library = this.provider.callback();
  }

  async handle(req, res) {
    const url = new URL(req.url, this.issuer);
    const path = url.pathname.startsWith(PREFIX) ? url.pathname.slice(PREFIX.length) : undefined;
    if (path === '/authorize') return this.authorize(req, res, url);
    if (path?.startsWith('/interaction/')) return this.interaction(req, res, path.split('/')[3]);
    if (path === '/session/end') {
      onlyKnown(url.searchParams, LOGOUT_PARAMETERS);
      if (!url.searchParams.get('id_token_hint')) throw new Refused('Y030007', 'id_token_hint should not be empty');
    }
    return this.delegate(req, res, req.url);
  }

  async authorize(req, res, url) {
    const params = req.method === 'POST' ? new URLSearchParams(await body(req)) : url.searchParams;
    this.requests.push(Object.fromEntries(params));
    checkAuthorize(params);
    const error = params.get('redirect_uri') === this.redirectUri ? earlyError(this.platform, params) : undefined;
    if (error !== undefined) {
      const back = new URLSearchParams({ error, state: params.get('state'), iss: this.issuer });
      res.writeHead(303, { location: `${this.redirectUri}?${back}` }).end();
      return undefined;
    }
    // Whatever the client asked for, FranceConnect goes through its own pages, at its own level.
    params.set('prompt', 'login consent');
    params.set('acr_values', levelOf(this.platform, params));
    req.method = 'GET';
    return this.delegate(req, res, `${PREFIX}/authorize?${params}`);
  }

  /** The library is mounted under the prefix: it reads the full address in `originalUrl`. */
  delegate(req, res, url) {
    req.originalUrl = url;
    req.url = url.startsWith(PREFIX) ? url.slice(PREFIX.length) : url;
    return this.library(req, res);
  }

  async interaction(req, res, step) {
    const { uid, params } = await this.provider.interactionDetails(req, res);
    const known = cookie(req, 'fc_session_id');
    const remembered = params.acr_values === this.platform.remembered;
    const previous = remembered ? citizens.get(this.sessions.get(known)) : undefined;
    if (step === undefined) return page(res, 200, loginPage(uid, previous?.family_name));
    if (step === 'abort') {
      const result = { error: 'access_denied', error_description: 'User auth aborted' };
      return this.provider.interactionFinished(req, res, result);
    }
    if (step === 'continue' && previous !== undefined) return this.finish(req, res, params, known);
    const key = new URLSearchParams(await body(req)).get('citizen');
    if (step !== 'login' || !citizens.has(key)) throw new Refused('Y190001', 'unknown step');
    const session = randomBytes(32).toString('hex');
    this.sessions.set(session, key);
    res.setHeader(
      'set-cookie',
      `fc_session_id=${session}; HttpOnly; SameSite=Lax; Path=/; Max-Age=${this.platform.session}`,
    );
    return this.finish(req, res, params, session);
  }

  async finish(req, res, params, accountId) {
    const grant = new this.provider.Grant({ accountId, clientId: params.client_id });
    params.scope.split(' ').forEach((scope) => grant.addOIDCScope(scope));
    const consent = { grantId: await grant.save() };
    const login = { accountId, acr: params.acr_values, amr: ['fc'], remember: false };
    return this.provider.interactionFinished(req, res, { login, consent });
  }
}

/**
 * Starts it on 127.0.0.1. `algorithm` is that of ID token and userinfo, both always signed. `platform` is `low`, or `high`
 * for FranceConnect+; there `encryption` ({ jwksUri, key }) has both encrypted too: `jwksUri` is where the client publishes
 * its keys, read when the first answer is encrypted, and `key` is ECDH-ES, RSA-OAEP or RSA-OAEP-256.
 * Returns the issuer, the authorize requests received so far, and `close`.
 */
export async function startFranceConnect({ port = 0, platform = 'low', scopes, algorithm = 'ES256', ...client }) {
  let franceConnect;
  const server = createServer((req, res) => {
    Promise.resolve(franceConnect.handle(req, res)).catch((error) => {
      const [status, code] = error instanceof Refused ? [400, error.code] : [500, 'Y000000'];
      if (!res.headersSent) page(res, status, `<p>${code}</p><p>${escape(error.message)}</p>`);
    });
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${server.address().port}${PREFIX}`;
  franceConnect = new FranceConnect(issuer, {
    platform: PLATFORMS[platform],
    scopes: scopes ?? PLATFORMS[platform].scopes,
    algorithm,
    ...client,
  });
  return {
    issuer,
    requests: franceConnect.requests,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

if (import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  const [port, clientId, clientSecret, publicUrl] = process.argv.slice(2);
  const { issuer } = await startFranceConnect({
    port: Number(port),
    clientId,
    clientSecret,
    redirectUri: `${publicUrl}/franceconnect/callback`,
    postLogoutRedirectUri: `${publicUrl}/franceconnect/logged-out`,
  });
  process.stdout.write(`${issuer}\n`);
}
