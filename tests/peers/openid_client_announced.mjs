// What our metadata announce beside the plain flow, with openid-client 6: pushed authorization requests (RFC 9126), DPoP
// (RFC 9449), clients that sign for themselves (RFC 7523), revocation (RFC 7009), introspection (RFC 7662).
import assert from 'node:assert/strict';

import * as oidc from 'openid-client-6';

import { must } from './pages.mjs';
import { refusal, sameIdentity, Service, SITE, wordOf } from './openid_client_service.mjs';

const PUSHED = 'pushed authorization requests';
const PROOFS = 'DPoP';
const KEYS = 'private_key_jwt';
const REVOCATION = 'revocation';
const INTROSPECTION = 'introspection';

/** Whether the metadata announce it. */
const ANNOUNCED = {
  [PUSHED]: (metadata) => metadata.pushed_authorization_request_endpoint !== undefined,
  [PROOFS]: (metadata) => (metadata.dpop_signing_alg_values_supported ?? []).includes('ES256'),
  [KEYS]: (metadata) => (metadata.token_endpoint_auth_methods_supported ?? []).includes('private_key_jwt'),
  [REVOCATION]: (metadata) => metadata.revocation_endpoint !== undefined,
  [INTROSPECTION]: (metadata) => metadata.introspection_endpoint !== undefined,
};

/** What is tried, and what must be announced for it. */
const STEPS = [
  [push, PUSHED],
  [prove, PROOFS],
  [pushAndProve, PUSHED, PROOFS],
  [takeBack, REVOCATION],
  [strict, PUSHED, PROOFS, KEYS, INTROSPECTION],
];

/**
 * Tries what is announced, as `service`, and with a registration of its own at `mandataire`. The last line says what was
 * tried: with EXPECT_FAPI=1 it is a failure if anything was not.
 */
export async function announced(world, checks, service, mandataire) {
  const metadata = await service.discover();
  const tried = new Set();
  for (const [step, ...needs] of STEPS) {
    if (!needs.every((name) => ANNOUNCED[name](metadata))) continue;
    await step({ world, checks, service, mandataire });
    needs.forEach((name) => tried.add(name));
  }
  const missing = Object.keys(ANNOUNCED).filter((name) => !tried.has(name));
  const list = (names) => [...names].join(', ') || 'nothing';
  const said = `tried: ${list(tried)}; not tried, because not announced: ${list(missing)}`;
  if (process.env.EXPECT_FAPI !== '1') checks.note(said);
  else await checks.check(`everything expected is announced (${said})`, () => assert.deepEqual(missing, []));
}

async function push({ world, checks, service }) {
  await checks.check('a pushed request: the browser carries a reference only, and the identity is given', async () => {
    const asked = await service.ask({ pushed: true });
    assert.deepEqual([...asked.url.searchParams.keys()].sort(), ['client_id', 'request_uri']);
    const { identity } = await service.use(world, asked);
    sameIdentity(identity, world.citizens.get('plain'));
  });
  const shown = (url) => world.browser.open(url.href, service.redirectUri);
  await checks.check('a reference is worth one request', async () => {
    const { url } = await service.ask({ pushed: true });
    must((await shown(url)).status === 200, `${world.browser.page}`);
    must((await shown(url)).status === 400, `${world.browser.page}`);
  });
  await checks.check('a reference that we did not give leads to a page of ours', async () => {
    const { url } = await service.ask({ pushed: true });
    url.searchParams.set('request_uri', `urn:ietf:params:oauth:request_uri:${oidc.randomState()}`);
    must((await shown(url)).status === 400, `${world.browser.page}`);
  });
  await checks.check('a request for an address that is not registered cannot be pushed', async () => {
    const error = await refusal(service.ask({ pushed: true, redirect_uri: `${SITE}/elsewhere` }));
    must(error.status === 400 && typeof error.error === 'string', wordOf(error));
  });
}

const keyHandle = async (service) => oidc.getDPoPHandle(service.config, await oidc.randomDPoPKeyPair('ES256'));

async function prove({ world, checks, service }) {
  await checks.check('a token bound to a key gives the identity to whoever has the key', async () => {
    const options = { DPoP: await keyHandle(service) };
    const { tokens, identity } = await service.use(world, await service.ask(), options);
    assert.equal(tokens.token_type, 'dpop');
    sameIdentity(identity, world.citizens.get('plain'));
  });
  const others = {
    'without any key': async () => undefined,
    'with another key': async () => ({ DPoP: await keyHandle(service) }),
  };
  for (const [title, other] of Object.entries(others)) {
    await checks.check(`a token bound to a key is worth nothing ${title}`, async () => {
      const asked = await service.ask();
      const back = await service.codeFor(world, asked);
      const tokens = await service.exchange(world, back, asked.checks, { DPoP: await keyHandle(service) });
      const error = await refusal(service.identity(tokens, await other()));
      must(/^invalid_(token|dpop_proof)$/.test(wordOf(error)), wordOf(error));
    });
  }
}

async function pushAndProve({ world, checks, service }) {
  await checks.check('a pushed request that names a key gives its code to that key only', async () => {
    const [dpop, other] = [await keyHandle(service), await keyHandle(service)];
    const stolen = await service.ask({ pushed: true, dpop });
    const back = await service.codeFor(world, stolen);
    const error = await refusal(service.exchange(world, back, stolen.checks, { DPoP: other }));
    must(/^invalid_(grant|dpop_proof)$/.test(wordOf(error)), wordOf(error));
    const { identity } = await service.use(world, await service.ask({ pushed: true, dpop }), { DPoP: dpop });
    sameIdentity(identity, world.citizens.get('plain'));
  });
}

async function takeBack({ world, checks, service }) {
  await checks.check('a token that was revoked gives no identity', async () => {
    const asked = await service.ask();
    const tokens = await service.exchange(world, await service.codeFor(world, asked), asked.checks);
    await oidc.tokenRevocation(service.config, tokens.access_token);
    assert.equal(wordOf(await refusal(service.identity(tokens))), 'invalid_token');
  });
}

/** A service that signs for itself, whose requests must be pushed and whose tokens must be bound to a key. */
async function registerStrict(mandataire) {
  const pair = await oidc.randomDPoPKeyPair('ES256', { extractable: true });
  const key = { ...(await crypto.subtle.exportKey('jwk', pair.publicKey)), kid: 'service', use: 'sig', alg: 'ES256' };
  const file = await mandataire.secret('service.jwks', JSON.stringify({ keys: [key] }));
  const more = ['--keys', file, '--pkce', 'required', '--pushed', '--dpop', '--introspects'];
  const signing = { key: pair.privateKey, kid: 'service' };
  const service = new Service({ auth: 'private_key_jwt', idToken: 'ES256', key: signing, more });
  await service.register(mandataire);
  await service.discover();
  return service;
}

async function strict({ world, checks, mandataire }) {
  const service = await checks.check('a strict service is registered while we are running', () =>
    registerStrict(mandataire),
  );
  if (service === undefined) return;
  const options = { DPoP: await keyHandle(service) };
  await checks.check('it signs for itself, pushes, proves its key, and asks what its token is worth', async () => {
    const asked = await service.ask({ pushed: true });
    const tokens = await service.exchange(world, await service.codeFor(world, asked), asked.checks, options);
    const worth = () => oidc.tokenIntrospection(service.config, tokens.access_token).then(({ active }) => active);
    assert.equal(await worth(), true);
    sameIdentity(await service.identity(tokens, options), world.citizens.get('plain'));
    assert.equal(await worth(), false, 'the token gave the identity, once');
  });
  await checks.check('a request of its that was not pushed is refused', async () => {
    const asked = await service.ask();
    await world.browser.open(asked.url.href, service.redirectUri);
    const { page } = world.browser;
    const error = page.status === 0 ? new URL(page.url).searchParams.get('error') : undefined;
    must(page.status === 400 || error === 'invalid_request', `${page}`);
  });
  await checks.check('a code of its is worth nothing without a proof', async () => {
    const asked = await service.ask({ pushed: true });
    const error = await refusal(service.exchange(world, await service.codeFor(world, asked), asked.checks));
    must(/^invalid_(grant|dpop_proof|request)$/.test(wordOf(error)), wordOf(error));
  });
  await checks.check('a request without PKCE cannot be pushed', async () => {
    const error = await refusal(service.ask({ pushed: true, pkce: false }));
    assert.equal(wordOf(error), 'invalid_request');
  });
  await checks.check('nobody signs for it with another key', async () => {
    const { privateKey } = await oidc.randomDPoPKeyPair('ES256');
    const other = new Service({ ...service, key: { key: privateKey, kid: 'service' } });
    await other.discover();
    assert.equal(wordOf(await refusal(other.ask({ pushed: true }))), 'invalid_client');
  });
}
