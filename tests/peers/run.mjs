// The main job against a real `mandataire serve`, with independent implementations on the other side of every wire.
//
//   MANDATAIRE_BIN=…/mandataire [DATABASE_URL=sqlite:…|postgres://…] node run.mjs
//
// The database must be empty; without DATABASE_URL it is an SQLite file in a temporary folder. One line per check, then
// "N passed, M failed"; KEEP=1 leaves the temporary folder.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { Admin, environment } from './admin.mjs';
import { Browser } from './browser.mjs';
import { Checks } from './checks.mjs';
import { citizens } from './citizens.mjs';
import { FranceConnectClient } from './franceconnect_client.mjs';
import { startFranceConnect } from './franceconnect_provider.mjs';
import { mainJob } from './main_job.mjs';
import { startSmtpSink } from './smtp_sink.mjs';

const LIMIT = 120_000;
/** FranceConnect's own address: no browser of the job ever goes there. */
const FRANCECONNECT = 'https://franceconnect.example.fr/api/v2';
const REGISTRATIONS = {
  json: { idTokenAlg: 'HS256' },
  hs256: { idTokenAlg: 'HS256', userinfoAlg: 'HS256' },
  es256: { idTokenAlg: 'ES256', userinfoAlg: 'ES256', discovery: true },
};

const checks = new Checks();
/** What must be undone at the end, last first. */
const undo = [];
const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

async function freePort() {
  const server = createServer();
  await new Promise((done, fail) => server.once('error', fail).listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** A TOML string: JSON's are all valid. */
const toml = JSON.stringify;

async function configure(folder, port, smtp, franceConnect) {
  const base = `http://127.0.0.1:${port}`;
  const database = process.env.DATABASE_URL ?? `sqlite:${join(folder, 'mandataire.db')}`;
  const secret = (name, content) => writeFile(join(folder, name), content, { mode: 0o600 });
  await secret('master.key', `${randomBytes(32).toString('base64')}\n`);
  await secret('franceconnect.secret', `${franceConnect.clientSecret}\n`);
  const config = join(folder, 'mandataire.toml');
  await writeFile(
    config,
    `public_url = ${toml(base)}
listen = "127.0.0.1:${port}"
name = "Mandataire"
development = true
contact = "contact@example.fr"
[database]
url = ${toml(database)}
[secrets]
master_key_file = ${toml(join(folder, 'master.key'))}
[mail]
mode = "smtp"
from = "mandataire@example.fr"
host = "127.0.0.1"
port = ${smtp.port}
encryption = "none"
[franceconnect]
issuer = ${toml(franceConnect.issuer)}
client_id = ${toml(franceConnect.clientId)}
client_secret_file = ${toml(join(folder, 'franceconnect.secret'))}
[log]
level = "debug"
`,
  );
  return { base, config };
}

async function register(admin, base) {
  const { id } = await admin.organisation('Maison des services de Vaubrun', '12345678200010');
  await admin.mediator(id, 'aidante@example.fr', 'Nadia Fournier');
  await admin.auditor('audit@example.fr', 'Paul Lenoir');
  const peers = {};
  for (const [name, registration] of Object.entries(REGISTRATIONS)) {
    const { client_id: clientId, client_secret: clientSecret } = await admin.client({
      name: `FranceConnect ${name}`,
      redirectUri: `${FRANCECONNECT}/oidc-callback`,
      logoutUri: `${FRANCECONNECT}/client/logout-callback`,
      idToken: registration.idTokenAlg,
      userinfo: registration.userinfoAlg,
    });
    peers[name] = new FranceConnectClient({
      issuer: base,
      base: FRANCECONNECT,
      clientId,
      clientSecret,
      ...registration,
    });
  }
  return peers;
}

/** Starts `serve`, its output in a file, and waits until it answers. */
async function serve(binary, config, base, folder) {
  const output = openSync(join(folder, 'serve.log'), 'w');
  const child = spawn(binary, ['--config', config, 'serve'], {
    cwd: folder,
    env: environment,
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  const ended = new Promise((done) => child.once('exit', (code, signal) => done(code ?? signal)));
  child.once('error', () => {});
  const stop = async () => {
    child.kill('SIGTERM');
    const kill = setTimeout(() => child.kill('SIGKILL'), 10_000);
    const code = child.pid === undefined ? 'not started' : await ended;
    clearTimeout(kill);
    return code;
  };
  undo.push(stop);
  for (const end = Date.now() + 20_000; Date.now() < end; await wait(100)) {
    if (child.exitCode !== null || child.pid === undefined) throw new Error('serve ended');
    if (
      await fetch(base, { signal: AbortSignal.timeout(2_000) }).then(
        (answer) => answer.ok,
        () => false,
      )
    )
      return stop;
  }
  throw new Error('serve does not answer');
}

async function story(binary) {
  const folder = await mkdtemp(join(tmpdir(), 'mandataire-peers-'));
  if (!process.env.KEEP) undo.push(() => rm(folder, { recursive: true, force: true }));
  const smtp = await startSmtpSink();
  undo.push(() => smtp.close());
  const port = await freePort();
  const client = { clientId: randomBytes(32).toString('hex'), clientSecret: randomBytes(32).toString('hex') };
  const franceConnect = await startFranceConnect({
    ...client,
    redirectUri: `http://127.0.0.1:${port}/franceconnect/callback`,
    postLogoutRedirectUri: `http://127.0.0.1:${port}/franceconnect/logged-out`,
  });
  undo.push(() => franceConnect.close());
  const { base, config } = await configure(folder, port, smtp, { ...client, issuer: franceConnect.issuer });
  const admin = new Admin(binary, config);
  const ready = await checks.check(
    'an empty database is migrated, filled from the command line and served',
    async () => {
      await admin.migrate();
      return { peers: await register(admin, base), stop: await serve(binary, config, base, folder) };
    },
  );
  if (ready !== undefined) {
    const inside = new Set([base, new URL(franceConnect.issuer).origin]);
    const newBrowser = () => new Browser({ isOutside: (url) => !inside.has(url.origin) });
    const secrets = [client.clientSecret, ...Object.values(ready.peers).map((peer) => peer.metadata.client_secret)];
    const accounts = { mediator: 'aidante@example.fr', auditor: 'audit@example.fr' };
    await mainJob({ base, newBrowser, mails: smtp, franceConnect, peers: ready.peers, secrets, ...accounts }, checks);
    await checks.check('it stops when asked', async () => {
      const code = await ready.stop();
      if (code !== 0) throw new Error(`ended with ${code}`);
    });
    await checks.check('no secret and no person is in its log', async () => {
      const log = await readFile(join(folder, 'serve.log'), 'utf8');
      const persons = [...citizens.values()].flatMap(({ family_name: name, email, sub }) => [name, email, sub]);
      const found = [...secrets, ...persons, ...Object.values(accounts)].filter((text) => log.includes(text));
      if (found.length > 0) throw new Error(`${found.length} found, such as ${found[0].slice(0, 8)}…`);
    });
  }
  if (checks.failed > 0) {
    const log = await readFile(join(folder, 'serve.log'), 'utf8').catch(() => '');
    console.log(log.split('\n').slice(-30).join('\n'));
  }
}

let ending;
/** Undoes everything once, then leaves; nothing may keep it from leaving. */
function leave() {
  checks.stop();
  ending ??= (async () => {
    for (const step of undo.reverse())
      await Promise.race([
        Promise.resolve()
          .then(step)
          .catch(() => {}),
        wait(12_000),
      ]);
    process.exit(checks.close());
  })();
}

function fail(message) {
  if (ending !== undefined) return;
  checks.failed += 1;
  console.log(`FAIL ${message}`);
  leave();
}

setTimeout(() => fail(`not finished after ${LIMIT / 1000} s`), LIMIT).unref();
process.on('SIGTERM', () => fail('asked to stop'));
process.on('SIGINT', () => fail('asked to stop'));

if (process.env.MANDATAIRE_BIN === undefined) {
  fail('MANDATAIRE_BIN is not set');
} else {
  story(resolve(process.env.MANDATAIRE_BIN)).then(leave, (error) => fail(error.stack));
}
