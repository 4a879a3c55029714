// FranceConnect+ beside FranceConnect: its levels, and an ID token and an identity that are encrypted for our keys.
//
//   MANDATAIRE_BIN=…/mandataire [DATABASE_URL=…] node plus.mjs
//
// The database must be empty, as for run.mjs.
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';

import { Browser } from './browser.mjs';
import { citizens, identityToReplay } from './citizens.mjs';
import { FranceConnectClient } from './franceconnect_client.mjs';
import { startFranceConnect } from './franceconnect_provider.mjs';
import { Mandataire, toml } from './mandataire.mjs';
import { agreeAndConfirm, beginUse, identify, must, obtainCode, signInFirst, startDraft } from './pages.mjs';
import { runProgram } from './program.mjs';

const LIMIT = 60_000;
const MEDIATOR = 'aidante@example.fr';
const SCOPES = ['openid', 'identite_pivot', 'preferred_username', 'email'];
/** Where FranceConnect's own client is sent back: no browser ever goes there. */
const CLIENT = 'https://franceconnect.example.fr/api/v2';

/** One provider for each kind of key, each with a citizen of another shape. */
const PROVIDERS = {
  ec: { key: 'ECDH-ES', make: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }), citizen: 'presumed-born' },
  rsa: { key: 'RSA-OAEP-256', make: () => generateKeyPairSync('rsa', { modulusLength: 3072 }), citizen: 'plain' },
};

/** Starts one FranceConnect+ for each kind of key; answers them, and their tables of the configuration. */
async function startProviders(service) {
  const [started, tables] = [{}, []];
  for (const [name, { key, make }] of Object.entries(PROVIDERS)) {
    const here = `${service.base}/providers/${name}`;
    const client = { clientId: randomBytes(16).toString('hex'), clientSecret: randomBytes(32).toString('hex') };
    const provider = await startFranceConnect({
      ...client,
      platform: 'high',
      redirectUri: `${here}/callback`,
      postLogoutRedirectUri: `${here}/logged-out`,
      encryption: { jwksUri: `${here}/jwks`, key },
    });
    service.undo.push(() => provider.close());
    service.secrets.push(client.clientSecret);
    const pem = make().privateKey.export({ type: 'pkcs8', format: 'pem' });
    started[name] = provider;
    tables.push(`[providers.${name}]
label = ${toml(`FranceConnect+ ${name}`)}
issuer = ${toml(provider.issuer)}
client_id = ${toml(client.clientId)}
client_secret_file = ${toml(await service.secret(`${name}.secret`, `${client.clientSecret}\n`))}
encryption_key_files = ${toml([await service.secret(`${name}.pem`, pem)])}
scopes = ${toml(SCOPES)}
acr = "eidas2"
`);
  }
  return { started, tables: tables.join('') };
}

async function register({ admin, base, secrets }) {
  await admin.migrate();
  const { id } = await admin.organisation('Maison des services de Vaubrun', '12345678200010');
  await admin.mediator(id, MEDIATOR, 'Nadia Fournier');
  const { client_id: clientId, client_secret: clientSecret } = await admin.client({
    name: 'FranceConnect',
    franceConnect: true,
    redirectUri: `${CLIENT}/oidc-callback`,
    logoutUri: `${CLIENT}/client/logout-callback`,
    idToken: 'ES256',
  });
  secrets.push(clientSecret);
  return new FranceConnectClient({ issuer: base, base: CLIENT, clientId, clientSecret, idTokenAlg: 'ES256', discovery: true });
}

async function open(world, checks, started) {
  const authenticator = await signInFirst(world, MEDIATOR);
  for (const [name, { key, citizen }] of Object.entries(PROVIDERS)) {
    await checks.check(`a mandate is opened with a citizen of FranceConnect+ that encrypts with ${key}`, async () => {
      await startDraft(world, ['logement'], 'month', name);
      must(world.browser.page.url.startsWith(started[name].issuer), `not at its page: ${world.browser.page}`);
      await identify(world, citizen);
      await agreeAndConfirm(world, authenticator);
      const [asked] = started[name].requests;
      assert.deepEqual([asked.acr_values, asked.scope], ['eidas2', SCOPES.join(' ')]);
    });
    await checks.check(`its session is over: the next citizen there (${key}) is asked who they are`, async () => {
      await startDraft(world, ['logement'], 'month', name);
      must(world.browser.page.findForm(/\/interaction\/[^/]+\/login$/), `${world.browser.page}`);
      await world.browser.submit(/\/interaction\/[^/]+\/abort$/);
      must(world.browser.page.url.startsWith(world.base), `not back: ${world.browser.page}`);
    });
  }
}

async function use(world, checks, peer) {
  for (const { key, citizen } of Object.values(PROVIDERS)) {
    await checks.check(`a use hands on what was encrypted with ${key}, byte for byte`, async () => {
      const begun = await beginUse(world, peer, []);
      const params = await obtainCode(begun, citizens.get(citizen), 'logement');
      const tokens = await peer.exchange(begun, params);
      const { sub, ...identity } = await peer.identity(begun, tokens);
      assert.deepEqual(identity, identityToReplay(citizens.get(citizen)));
    });
  }
}

async function story(binary, checks, undo) {
  let started;
  const service = await Mandataire.prepare(binary, undo, async (prepared) => {
    const providers = await startProviders(prepared);
    started = providers.started;
    return providers.tables;
  });
  const { base, mails, secrets } = service;
  const peer = await checks.check('an empty database is filled from the command line and served', async () => {
    const registered = await register(service);
    await service.serve();
    return registered;
  });
  if (peer !== undefined) {
    const browser = new Browser({ isOutside: ({ hostname }) => hostname !== '127.0.0.1' });
    const world = { base, mails, secrets, browser };
    await checks.check('the mediator opens mandates', () => open(world, checks, started));
    await use(world, checks, peer);
    await service.ends(checks, [MEDIATOR]);
  }
  if (checks.failed > 0) await service.tail();
}

runProgram(story, LIMIT);
