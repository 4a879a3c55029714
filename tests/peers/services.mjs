// Public services other than FranceConnect, each an OpenID Connect implementation of its own, against a real `serve`.
//
//   MANDATAIRE_BIN=…/mandataire [DATABASE_URL=…] [EXPECT_FAPI=1] node services.mjs [apache] [authlib] [openid-client]
//
// Without a name, all of them. The database must be empty, as for run.mjs. EXPECT_FAPI=1 makes it a failure if the metadata
// do not announce all that openid_client_announced.mjs can try; without it a line says what was not tried.
import { startApache } from './apache.mjs';
import { startAuthlib } from './authlib.mjs';
import { Browser } from './browser.mjs';
import { citizens } from './citizens.mjs';
import { Mandataire } from './mandataire.mjs';
import { startOpenidClient } from './openid_client.mjs';
import { agreeAndConfirm, identify, signInFirst, startDraft } from './pages.mjs';
import { runProgram, wait } from './program.mjs';

const LIMIT = 240_000;
/** What one service may take. */
const PATIENCE = 60_000;
/** The citizens whose mandates are used: one with a name of use, one with letters and a birth outside France. */
const OPENED = ['plain', 'born-abroad'];
const PROCEDURES = ['papiers', 'logement'];
const OPENER = 'accueil@example.fr';

/** Each registers itself before `serve` starts, and answers what is to be checked afterwards. */
const SERVICES = { apache: startApache, authlib: startAuthlib, 'openid-client': startOpenidClient };
const mediatorOf = (name) => `${name}@example.fr`;

function wanted() {
  const names = process.argv.slice(2);
  const stranger = names.find((name) => !(name in SERVICES));
  if (stranger !== undefined) throw new Error(`${stranger} is none of ${Object.keys(SERVICES).join(', ')}`);
  return names.length > 0 ? names : Object.keys(SERVICES);
}

/** Answers what each service has to check, by its name. */
async function register(service, names) {
  await service.admin.migrate();
  const { id } = await service.admin.organisation('Maison des services de Vaubrun', '12345678200010');
  await service.admin.mediator(id, OPENER, 'Nadia Fournier');
  const visits = new Map();
  for (const name of names) {
    await service.admin.mediator(id, mediatorOf(name), `Nadia ${name}`);
    visits.set(name, await SERVICES[name](service));
  }
  return visits;
}

/** A mandate binds the organisation: one mediator opens it, others use it. */
async function open(world) {
  const authenticator = await signInFirst(world, OPENER);
  for (const key of OPENED) {
    await startDraft(world, PROCEDURES, 'month');
    await identify(world, key);
    await agreeAndConfirm(world, authenticator);
  }
}

/** One service, in a time of its own. */
async function visit(world, checks, name, story) {
  const started = Date.now();
  const authenticator = await checks.check(`${name}: its mediator signs in and enrols`, () =>
    signInFirst(world, mediatorOf(name)),
  );
  if (authenticator === undefined) return;
  const mediator = { email: mediatorOf(name), authenticator };
  await checks.check(`${name}: all of it within ${PATIENCE / 1000} s`, async () => {
    const whole = story({ ...world, mediator, citizens }, checks).then(() => true);
    if (!(await Promise.race([whole, wait(PATIENCE)]))) throw new Error('not finished');
    console.log(`     ${name}: ${((Date.now() - started) / 1000).toFixed(1)} s`);
  });
}

async function story(binary, checks, undo) {
  const names = wanted();
  const service = await Mandataire.prepare(binary, undo);
  const { base, mails, franceConnect, secrets } = service;
  const visits = await checks.check('an empty database is filled from the command line and served', async () => {
    const registered = await register(service, names);
    await service.serve();
    return registered;
  });
  if (visits !== undefined) {
    const outside = ({ hostname }) => hostname !== '127.0.0.1';
    const newBrowser = () => new Browser({ isOutside: outside });
    const world = () => ({ base, mails, franceConnect, secrets, newBrowser, browser: newBrowser() });
    await checks.check('one mediator opens mandates for the others of the organisation', () => open(world()));
    for (const [name, visited] of visits) await visit(world(), checks, name, visited);
    await service.ends(checks, [OPENER, ...names.map(mediatorOf)]);
  }
  if (checks.failed > 0) await service.tail();
}

runProgram(story, LIMIT);
