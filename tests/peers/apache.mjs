// A public service behind Apache with mod_auth_openidc, which is written in C and is how many services are protected: a
// page that only people signed in through us reach, and that shows what is known about them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { identityToReplay } from './citizens.mjs';
import { temporaryFolder } from './mandataire.mjs';
import { at, choose, must, sayDone, signIn } from './pages.mjs';
import { freePort, startServer } from './process.mjs';

/** Where Debian puts the modules, and the program, which is in the path of root only. */
const MODULES = '/usr/lib/apache2/modules';
const PATH = `${process.env.PATH}:/usr/sbin`;
const LOADED = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'include', 'auth_openidc'];

/** Two registrations: every way of authenticating and of signing that the module and we have in common, beside HS256. */
const REGISTRATIONS = [
  { auth: 'client_secret_basic', idToken: 'ES256', citizen: 'born-abroad', procedure: 'papiers' },
  { auth: 'client_secret_post', idToken: 'RS256', userinfo: 'RS256', citizen: 'plain', procedure: 'logement' },
];

/** The claims as Apache's own page language shows them, one variable a line. */
const PROTECTED = `<!doctype html><title>Dossier</title>
<p><a href="/protected/callback?logout=LOGGED_OUT">Se déconnecter</a></p>
<pre id="claims"><!--#printenv --></pre>
`;

class Apache {
  constructor(registration, port) {
    Object.assign(this, registration);
    this.base = `http://127.0.0.1:${port}`;
    this.port = port;
    this.redirectUri = `${this.base}/protected/callback`;
    this.logoutUri = `${this.base}/goodbye.html`;
  }

  async register({ admin, secrets }) {
    const { redirectUri, logoutUri, auth, idToken, userinfo } = this;
    const name = `Apache ${auth}`;
    this.client = await admin.client({ name, redirectUri, logoutUri, auth, idToken, userinfo });
    secrets.push(this.client.client_secret);
  }

  config(folder, issuer) {
    // Started by root, the processes that answer must be somebody else.
    const user = process.getuid() === 0 ? 'User www-data\nGroup www-data\n' : '';
    return `ServerRoot "${folder}"
DefaultRuntimeDir "${folder}"
PidFile "${folder}/apache.pid"
ErrorLog "${folder}/error.log"
LogLevel warn auth_openidc:info
ServerName 127.0.0.1
Listen 127.0.0.1:${this.port}
${LOADED.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so\n`).join('')}${user}
DocumentRoot "${folder}/pages"
AddDefaultCharset utf-8
<Directory "${folder}/pages">
  Options +Includes
  ForceType text/html
  SetOutputFilter INCLUDES
  Require all granted
</Directory>
OIDCProviderMetadataURL ${issuer}/.well-known/openid-configuration
OIDCClientID ${this.client.client_id}
OIDCClientSecret ${this.client.client_secret}
OIDCProviderTokenEndpointAuth ${this.auth}
OIDCIDTokenSignedResponseAlg ${this.idToken}
${this.userinfo ? `OIDCUserInfoSignedResponseAlg ${this.userinfo}\n` : ''}OIDCRedirectURI ${this.redirectUri}
OIDCDefaultURL ${this.base}/welcome.html
OIDCCryptoPassphrase ${randomBytes(32).toString('hex')}
OIDCScope "openid profile email birth"
OIDCResponseType code
OIDCPKCEMethod S256
OIDCRemoteUserClaim sub
OIDCPassClaimsAs environment
<Location "/protected">
  AuthType openid-connect
  Require valid-user
</Location>
`;
  }

  async start({ base, undo }) {
    const folder = await temporaryFolder(undo);
    const write = (name, content, mode) => writeFile(join(folder, name), content, { mode });
    // The processes that answer are not its owner.
    process.umask(0o022);
    await mkdir(join(folder, 'pages/protected'), { recursive: true });
    await chmod(folder, 0o755);
    await write('apache.conf', this.config(folder, base), 0o600);
    await write('pages/welcome.html', '<p><a href="/protected/page.html">Mon dossier</a></p>', 0o644);
    await write('pages/goodbye.html', '<p id="goodbye">Au revoir</p>', 0o644);
    await write(
      'pages/protected/page.html',
      PROTECTED.replace('LOGGED_OUT', encodeURIComponent(this.logoutUri)),
      0o644,
    );
    await startServer({
      command: ['apache2', '-f', join(folder, 'apache.conf'), '-DFOREGROUND'],
      url: `${this.base}/welcome.html`,
      log: join(folder, 'output.log'),
      undo,
      env: { ...process.env, PATH },
    });
  }

  /** Follows the link to the protected page; answers the parameters of our `/authorize` if it was asked. */
  async enter(browser) {
    const welcome = await browser.open(`${this.base}/welcome.html`);
    const [link] = welcome.links(/^\/protected\/page\.html$/);
    const page = await browser.follow(link);
    const asked = page.hops.map((hop) => new URL(hop.url)).find((url) => url.pathname === '/authorize');
    return asked?.searchParams;
  }

  /** What the module tells the page: its variables whose name begins with `OIDC_CLAIM_`, as they are. */
  claims(browser) {
    const page = at(browser, /^\/protected\/page\.html$/);
    must(page.url.startsWith(this.base), `not at Apache: ${page}`);
    const lines = page.root.first('#claims').text.matchAll(/^OIDC_CLAIM_([^=]+)=(.*)$/gm);
    return Object.fromEntries([...lines].map(([, name, value]) => [name, value]));
  }
}

/** Nobody is signed in: the mediator comes from the service's page, signs in, chooses, and is back at the service. */
async function wholeUse(world, apache, asked) {
  const { browser, mediator, citizens } = world;
  asked.params = await apache.enter(browser);
  must(asked.params, `our /authorize was not asked: ${browser.page}`);
  await signIn(world, mediator.email, mediator.authenticator);
  await choose(world, citizens.get(apache.citizen), apache.procedure);
  return apache.claims(browser);
}

function sameIdentity(claims, citizen) {
  for (const [name, value] of Object.entries(identityToReplay(citizen))) assert.equal(claims[name], value, name);
  must(/^[\w-]{43}$/.test(claims.sub) && claims.sub !== citizen.sub, `sub ${claims.sub}`);
}

async function story(world, checks, apache) {
  const { citizens, base } = world;
  const title = `Apache, ${apache.auth}, ${apache.idToken}`;
  const check = (name, step) => checks.check(`${title}: ${name}`, step);
  const asked = {};
  const claims = await check(
    'a mediator who is not signed in comes from its page, and is back with the identity',
    async () => {
      const shown = await wholeUse(world, apache, asked);
      sameIdentity(shown, citizens.get(apache.citizen));
      return shown;
    },
  );
  if (claims === undefined) return;
  await check('it asked with PKCE, state and nonce', () => {
    const { params } = asked;
    assert.equal(params.get('code_challenge_method'), 'S256');
    for (const name of ['code_challenge', 'state', 'nonce']) must(params.get(name)?.length >= 22, name);
  });
  await check('it knows for whom, by whom, and for what', () => {
    assert.equal(claims.iss, base);
    assert.equal(claims.aud, apache.client.client_id);
    assert.deepEqual(JSON.parse(claims.mandate).procedure, apache.procedure);
    assert.equal(JSON.parse(claims.act).organisation.siret, '12345678200010');
  });
  await check('its session lasts: the page again asks us nothing', async () => {
    assert.equal(await apache.enter(world.browser), undefined);
    assert.equal(apache.claims(world.browser).sub, claims.sub);
  });
  await check('the use waits for what came of it, once', async () => {
    assert.equal(await sayDone(world), 1);
    assert.equal(await sayDone(world), 0);
  });
  await logOut(world, check, apache);
  await check('a mediator who turns back is not let in', () => turnBack(world, apache));
}

/**
 * RFC 9207 has our refusals carry `iss`. This module takes an answer with `iss` and without a code for the wish to sign in
 * that another site may send, and asks us again, for its page for such a case.
 */
async function turnBack({ browser }, apache) {
  must(await apache.enter(browser), 'our /authorize was not asked');
  const page = await browser.submit(/^\/provider\/flw_[^/]+\/cancellation$/);
  const back = page.hops.map((hop) => new URL(hop.url)).find((url) => url.href.startsWith(apache.redirectUri));
  assert.equal(back?.searchParams.get('error'), 'access_denied');
  at(browser, /^\/provider\/flw_[^/]+$/);
  must(await apache.enter(browser), 'let in');
}

async function logOut(world, check, apache) {
  const { browser, base } = world;
  await check('signing out there comes by here and leads back, and not out of the session here', async () => {
    await apache.enter(browser);
    const [link] = browser.page.links(/^\/protected\/callback$/);
    const page = await browser.follow(link);
    const ended = page.hops.map((hop) => new URL(hop.url)).find((url) => url.pathname === '/session/end');
    must(ended?.searchParams.get('id_token_hint'), 'our /session/end was not asked with a hint');
    assert.equal(page.url, apache.logoutUri);
    must(page.root.first('#goodbye'), `${page}`);
    await browser.open(`${base}/home`);
    at(browser, /^\/home$/);
  });
  await check('its page then asks us again, and the mediator chooses again', async () => {
    must(await apache.enter(browser), 'our /authorize was not asked');
    at(browser, /^\/provider\/flw_[^/]+$/);
  });
}

/** Registers its services with `service`; answers what is checked once that is served. */
export async function startApache(service) {
  execFileSync('apache2', ['-v'], { env: { ...process.env, PATH } });
  const servers = [];
  for (const registration of REGISTRATIONS) {
    const apache = new Apache(registration, await freePort());
    await apache.register(service);
    servers.push(apache);
  }
  return async (world, checks) => {
    for (const apache of servers) {
      await apache.start(service);
      // Nobody is signed in when it comes.
      await story({ ...world, browser: world.newBrowser() }, checks, apache);
    }
  };
}
