// The main job, as one story: a mediator opens mandates with citizens at FranceConnect, FranceConnect uses them, what
// must be refused is refused, and an auditor finds all of it in the journal.
import assert from 'node:assert/strict';

import { citizens, identityToReplay } from './citizens.mjs';
import {
  agreeAndConfirm,
  at,
  beginUse,
  givePurpose,
  identify,
  must,
  obtainCode,
  offeredProcedures,
  pickCitizen,
  revoke,
  signInFirst,
  startDraft,
} from './pages.mjs';

const KEYS = ['plain', 'presumed-born', 'born-abroad'];
const PROCEDURES = ['papiers', 'logement'];

/** What an earlier step left, by key. */
function left(steps, key) {
  must(steps.has(key), `the step before it failed (${key})`);
  return steps.get(key);
}

/** FranceConnect's error must have this code and the endpoint's answer this OAuth error. */
async function refusedWith(error, promise, code) {
  const refusal = await promise.then(
    () => undefined,
    (caught) => caught,
  );
  const cause = code ? refusal?.cause : refusal;
  must(refusal, 'accepted');
  must(!code || refusal.code === code, `not refused with ${code}: ${refusal.message}`);
  must(cause?.error === error, `refused with ${cause?.error}, not ${error}: ${refusal.message}`);
  return cause.response?.statusCode;
}

async function open(world, checks, authenticator) {
  const mandates = new Map();
  for (const key of KEYS) {
    await checks.check(`a mandate is opened with the citizen ${key}`, async () => {
      await startDraft(world, PROCEDURES, 'month');
      await identify(world, key);
      mandates.set(key, await agreeAndConfirm(world, authenticator));
    });
  }
  await checks.check('what FranceConnect was asked at the counter is what it accepts', () => {
    const [asked] = world.franceConnect.requests;
    must(asked, 'nothing was asked');
    assert.equal(asked.acr_values, 'eidas1');
    assert.equal(asked.prompt, 'login');
    must(asked.scope.split(' ').includes('idp_birthdate'), `scope ${asked.scope}`);
    must(asked.state.length >= 43 && asked.nonce.length >= 43, 'state and nonce are 32 random bytes');
    const [states, nonces] = ['state', 'nonce'].map(
      (name) => new Set(world.franceConnect.requests.map((one) => one[name])),
    );
    assert.equal(states.size, world.franceConnect.requests.length);
    assert.equal(nonces.size, world.franceConnect.requests.length);
  });
  await checks.check('a minor is refused', async () => {
    await startDraft(world, ['papiers'], 'day');
    await identify(world, 'minor');
    const { page } = world.browser;
    must(page.url.startsWith(world.base) && page.status < 500, `${page}`);
    must(!page.findForm(/^\/agreements\//), `the minor may agree on ${page}`);
  });
  await checks.check('a citizen who turns back at FranceConnect leads to a page of ours', async () => {
    await startDraft(world, ['papiers'], 'day');
    await world.browser.submit(/\/interaction\/[^/]+\/abort$/);
    const { page } = world.browser;
    must(page.url.startsWith(world.base) && page.status < 500 && page.status > 0, `${page}`);
  });
  return mandates;
}

/** One use for each registration of the client: which citizen, what the service behind asks, what must be offered. */
async function use(world, checks) {
  const cases = [
    ['plain JSON, any scope', 'json', 'plain', [], 'papiers', PROCEDURES],
    ['signed HS256, one scope', 'hs256', 'presumed-born', ['Logement', 'Justice'], 'logement', ['logement']],
    ['discovery and ES256, no values', 'es256', 'born-abroad', null, 'papiers', PROCEDURES],
  ];
  const labels = { papiers: 'Papier-Citoyenneté-Elections', logement: 'Logement' };
  const done = new Map();
  for (const [title, peer, key, repScope, procedure, offered] of cases) {
    const citizen = citizens.get(key);
    await checks.check(`a use by FranceConnect (${title}) gets the identity of ${key} byte for byte`, async () => {
      const begun = await beginUse(world, world.peers[peer], repScope);
      must(await pickCitizen(begun, citizen), `the citizen is not offered on ${world.browser.page}`);
      assert.deepEqual(offeredProcedures(world.browser), offered);
      await world.browser.submit(world.browser.page.path, { procedure });
      const params = begun.peer.returned(begun, world.browser.page.url);
      must(params.code, `no code: ${params.error}`);
      assert.equal(params.iss, world.base);
      const tokens = await begun.peer.exchange(begun, params);
      world.secrets.push(params.code, tokens.access_token, tokens.id_token);
      const { sub, ...identity } = await begun.peer.identity(begun, tokens);
      assert.deepEqual(identity, identityToReplay(citizen));
      assert.equal(sub, tokens.claims().sub);
      assert.notEqual(sub, citizen.sub);
      assert.deepEqual(tokens.claims().rep_scope, [labels[procedure]]);
      done.set(peer, { begun, params, tokens, sub });
    });
  }
  return done;
}

async function refuse(world, checks, mandates, done) {
  const { json, hs256, es256 } = world.peers;
  const plain = citizens.get('plain');
  await checks.check('the identity is given once', async () => {
    const { begun, tokens } = left(done, 'hs256');
    assert.equal(await refusedWith('invalid_token', begun.client.userinfo(tokens.access_token)), 401);
  });
  await checks.check('a code is exchanged once, and its replay kills the token', async () => {
    const begun = await beginUse(world, json, []);
    const params = await obtainCode(begun, plain, 'logement');
    const tokens = await json.exchange(begun, params);
    assert.equal(tokens.claims().sub, left(done, 'json').sub, 'the same citizen has the same sub');
    await refusedWith('invalid_grant', json.exchange(begun, params), 'Y020026');
    assert.equal(await refusedWith('invalid_token', begun.client.userinfo(tokens.access_token)), 401);
  });
  await checks.check('a scope that the mandate does not give leads back with access_denied', async () => {
    const begun = await beginUse(world, json, ['Justice']);
    // The service may see it at once, or only once the citizen is known; nobody presses "cancel" here.
    if (world.browser.page.status !== 0) await pickCitizen(begun, plain);
    const page = world.browser.page;
    must(page.status === 0, `not sent back: ${page}`);
    assert.equal(json.returned(begun, page.url).error, 'access_denied');
  });
  await checks.check('a procedure outside the request is refused even when the form is tampered with', async () => {
    const begun = await beginUse(world, json, ['Logement']);
    await pickCitizen(begun, plain);
    await world.browser.submit(world.browser.page.path, { procedure: [] }, [['procedure', 'papiers']]);
    const { page } = world.browser;
    const params = page.status === 0 ? json.returned(begun, page.url) : {};
    must(!params.code && page.status < 500, `a code was given, or ${page}`);
  });
  await checks.check('cancelling leads back with access_denied', async () => {
    const begun = await beginUse(world, json, []);
    await world.browser.submit(/^\/provider\/flw_[^/]+\/cancellation$/);
    const params = json.returned(begun, world.browser.page.url);
    assert.deepEqual([params.error, params.iss], ['access_denied', world.base]);
  });
  await checks.check('a code got before the revocation is worth nothing after it', async () => {
    const begun = await beginUse(world, es256, []);
    const params = await obtainCode(begun, citizens.get('born-abroad'), 'papiers');
    await revoke(world, left(mandates, 'born-abroad'));
    await refusedWith('invalid_grant', es256.exchange(begun, params), 'Y020026');
  });
  await checks.check('a token got before the revocation is worth nothing after it', async () => {
    const begun = await beginUse(world, hs256, []);
    const params = await obtainCode(begun, citizens.get('presumed-born'), 'papiers');
    const tokens = await hs256.exchange(begun, params);
    await revoke(world, left(mandates, 'presumed-born'));
    assert.equal(await refusedWith('invalid_token', begun.client.userinfo(tokens.access_token)), 401);
  });
  await checks.check('a citizen whose only mandate is revoked is no longer offered', async () => {
    const begun = await beginUse(world, json, []);
    must(!(await pickCitizen(begun, citizens.get('born-abroad'))), `offered on ${world.browser.page}`);
  });
  await checks.check('an unregistered redirect address is never followed', async () => {
    const { url } = await json.start([]);
    const elsewhere = url.replace(encodeURIComponent('/oidc-callback'), encodeURIComponent('/oidc-callback2'));
    assert.notEqual(elsewhere, url);
    must((await world.browser.open(elsewhere, json.redirectUri)).status === 400, `${world.browser.page}`);
  });
}

async function logout(world, checks, done) {
  for (const peer of ['json', 'es256']) {
    await checks.check(
      `logging out with the ID token (${peer}) leads back at once, and not out of the mediator's session`,
      async () => {
        const { url, state } = await world.peers[peer].logout(left(done, peer).tokens.id_token);
        const page = await world.browser.open(url, world.peers[peer].redirectUri);
        must(page.status === 0 && page.hops.length === 1, `stopped on the way: ${page}`);
        assert.equal(page.url, `${world.peers[peer].logoutUri}?state=${state}`);
        await world.browser.open(`${world.base}/home`);
        at(world.browser, /^\/home$/);
      },
    );
  }
}

async function audit(world, checks, mandates) {
  await checks.check('the auditor signs in', () => signInFirst(world, world.auditor));
  await checks.check('without a purpose the journal stays closed', async () => {
    const page = await world.browser.open(`${world.base}/journal`);
    must(page.path !== '/journal' || page.status >= 400, `${page}`);
  });
  await checks.check('with a purpose it opens', () => givePurpose(world));
  for (const [key, mandate] of mandates) {
    await checks.check(
      `the journal holds the opening and the use of the mandate of ${key}, without any name`,
      async () => {
        const page = await world.browser.open(`${world.base}/journal?mandate=${mandate}`);
        const entries = new Set(page.links(/^\/journal\/ent_[^/]+$/).map(({ url }) => url.pathname));
        must(page.status === 200 && entries.size >= 2, `${entries.size} entries on ${page}`);
        const { family_name: name, email } = citizens.get(key);
        must(!page.words.includes(name) && !page.words.includes(email), 'a citizen is named in the journal');
        const [entry] = entries;
        must((await world.browser.open(entry)).status === 200, `${world.browser.page}`);
      },
    );
  }
}

/**
 * `world`: `base` (address of the service), `newBrowser()`, `mails.next(address)`, the addresses `mediator` and `auditor`
 * of accounts that never signed in, `franceConnect` (the provider's stand-in), `peers` ({json, hs256, es256}: the
 * registered clients), and `secrets`, a list that receives whatever must never be written to a log.
 */
export async function mainJob(world, checks) {
  const counter = { ...world, browser: world.newBrowser() };
  const authenticator = await checks.check('the mediator signs in and enrols', () =>
    signInFirst(counter, world.mediator),
  );
  if (authenticator === undefined) return;
  const mandates = await open(counter, checks, authenticator);
  const done = await use(counter, checks);
  await refuse(counter, checks, mandates, done);
  await logout(counter, checks, done);
  await audit({ ...world, browser: world.newBrowser() }, checks, mandates);
}
