// The main job against a real `mandataire serve`, with independent implementations on the other side of every wire.
//
//   MANDATAIRE_BIN=…/mandataire [DATABASE_URL=sqlite:…|postgres://…] node run.mjs
//
// The database must be empty; without DATABASE_URL it is an SQLite file in a temporary folder. One line per check, then
// "N passed, M failed"; KEEP=1 leaves the temporary folder.
import { Browser } from './browser.mjs';
import { FranceConnectClient } from './franceconnect_client.mjs';
import { mainJob } from './main_job.mjs';
import { Mandataire } from './mandataire.mjs';
import { runProgram } from './program.mjs';

const LIMIT = 120_000;
/** FranceConnect's own address: no browser of the job ever goes there. */
const FRANCECONNECT = 'https://franceconnect.example.fr/api/v2';
const REGISTRATIONS = {
  json: { idTokenAlg: 'HS256' },
  hs256: { idTokenAlg: 'HS256', userinfoAlg: 'HS256' },
  es256: { idTokenAlg: 'ES256', userinfoAlg: 'ES256', discovery: true },
};

async function register({ admin, base }) {
  const { id } = await admin.organisation('Maison des services de Vaubrun', '12345678200010');
  await admin.mediator(id, 'aidante@example.fr', 'Nadia Fournier');
  await admin.auditor('audit@example.fr', 'Paul Lenoir');
  const peers = {};
  for (const [name, registration] of Object.entries(REGISTRATIONS)) {
    const { client_id: clientId, client_secret: clientSecret } = await admin.client({
      name: `FranceConnect ${name}`,
      franceConnect: true,
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

async function story(binary, checks, undo) {
  const service = await Mandataire.prepare(binary, undo);
  const { base, mails, franceConnect, secrets } = service;
  const peers = await checks.check(
    'an empty database is migrated, filled from the command line and served',
    async () => {
      await service.admin.migrate();
      const registered = await register(service);
      await service.serve();
      return registered;
    },
  );
  if (peers !== undefined) {
    const inside = new Set([base, new URL(franceConnect.issuer).origin]);
    const newBrowser = () => new Browser({ isOutside: (url) => !inside.has(url.origin) });
    secrets.push(...Object.values(peers).map((peer) => peer.metadata.client_secret));
    const accounts = { mediator: 'aidante@example.fr', auditor: 'audit@example.fr' };
    await mainJob({ base, newBrowser, mails, franceConnect, peers, secrets, ...accounts }, checks);
    await service.ends(checks, Object.values(accounts));
  }
  if (checks.failed > 0) await service.tail();
}

runProgram(story, LIMIT);
