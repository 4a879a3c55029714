// A public service in Python, with authlib: authlib_service.py, driven by the mediator's browser.
//
// AUTHLIB_PYTHON names the Python that has what requirements.txt lists.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { identityToReplay } from './citizens.mjs';
import { temporaryFolder } from './mandataire.mjs';
import { choose, must } from './pages.mjs';
import { freePort, startServer } from './process.mjs';

const PYTHON = process.env.AUTHLIB_PYTHON ?? 'python3';
const PROGRAM = fileURLToPath(new URL('authlib_service.py', import.meta.url));

const REGISTRATIONS = [
  { auth: 'client_secret_basic', idToken: 'ES256', citizen: 'plain', procedure: 'papiers' },
  { auth: 'client_secret_post', idToken: 'RS256', citizen: 'born-abroad', procedure: 'logement' },
];

class Authlib {
  constructor(registration, port) {
    Object.assign(this, registration);
    this.base = `http://127.0.0.1:${port}`;
    this.port = port;
    this.logoutUri = `${this.base}/signed-out`;
  }

  async register({ admin, secrets }) {
    const { auth, idToken, logoutUri } = this;
    const redirectUri = `${this.base}/callback`;
    this.client = await admin.client({ name: `authlib ${auth}`, redirectUri, logoutUri, auth, idToken });
    secrets.push(this.client.client_secret);
  }

  async start({ base, undo }) {
    const folder = await temporaryFolder(undo);
    const settings = join(folder, 'settings.json');
    const known = { issuer: base, port: this.port, auth: this.auth, logout_uri: this.logoutUri, ...this.client };
    await writeFile(settings, JSON.stringify(known), { mode: 0o600 });
    const command = [PYTHON, '-I', PROGRAM, settings];
    await startServer({ command, url: this.base, log: join(folder, 'output.log'), undo });
  }

  /** What its page says, once the browser is there. */
  shown({ page }, status = 200) {
    must(page.url.startsWith(this.base) && page.status === status, `not there: ${page}`);
    return JSON.parse(page.root.first('#shown').text);
  }
}

async function story(world, checks, authlib) {
  const { browser, citizens, base } = world;
  const check = (name, step) => checks.check(`authlib, ${authlib.auth}, ${authlib.idToken}: ${name}`, step);
  const citizen = citizens.get(authlib.citizen);
  await check('the identity is given once, with PKCE and an ID token that it accepts', async () => {
    const welcome = await browser.open(authlib.base);
    const page = await browser.follow(welcome.links(/^\/sign-in$/)[0]);
    const asked = new URL(page.hops.find((hop) => hop.url.startsWith(`${base}/authorize`)).url).searchParams;
    assert.equal(asked.get('code_challenge_method'), 'S256');
    must(asked.get('code_challenge') && asked.get('nonce') && asked.get('state'), 'not asked with all three');
    await choose(world, citizen, authlib.procedure);
    const { claims, identity, again } = authlib.shown(browser);
    const { sub, ...rest } = identity;
    assert.deepEqual(rest, identityToReplay(citizen));
    assert.deepEqual([claims.iss, claims.aud, claims.sub], [base, authlib.client.client_id, sub]);
    assert.equal(claims.mandate.procedure, authlib.procedure);
    assert.equal(again, 'HTTPError', 'the second identity');
  });
  await check('signing out there comes by here and leads back with its state', async () => {
    const [link] = browser.page.links(/^\/sign-out$/);
    const page = await browser.follow(link);
    must(
      page.hops.some((hop) => hop.url.startsWith(`${base}/session/end?`)),
      'our /session/end was not asked',
    );
    assert.deepEqual(authlib.shown(browser), { signed_out: true });
  });
  await check('what we refuse, it hears as what it is', async () => {
    await browser.open(`${authlib.base}/sign-in?prompt=none`, authlib.base);
    must(['login_required', 'interaction_required'].includes(authlib.shown(browser, 403).error), `${browser.page}`);
    await browser.open(`${authlib.base}/sign-in`, authlib.base);
    await browser.submit(/^\/provider\/flw_[^/]+\/cancellation$/);
    assert.deepEqual(authlib.shown(browser, 403), { error: 'access_denied' });
  });
}

/** Registers its services with `service`; answers what is checked once that is served. */
export async function startAuthlib(service) {
  execFileSync(PYTHON, ['-I', '-c', 'import authlib, flask, requests']);
  const servers = [];
  for (const registration of REGISTRATIONS) {
    const authlib = new Authlib(registration, await freePort());
    await authlib.register(service);
    servers.push(authlib);
  }
  return async (world, checks) => {
    for (const authlib of servers) {
      await authlib.start(service);
      await story(world, checks, authlib);
    }
  };
}
