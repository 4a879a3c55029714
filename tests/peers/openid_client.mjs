// A public service in Node.js with openid-client 6: PKCE, and what our metadata announce beside it. No server of its own:
// the browser stops where it would be sent back.
import assert from 'node:assert/strict';

import * as oidc from 'openid-client-6';

import { announced } from './openid_client_announced.mjs';
import { PROCEDURE, refusal, sameIdentity, Service, wordOf } from './openid_client_service.mjs';
import { choose, must } from './pages.mjs';

/** Every way of authenticating, of signing, and both forms of the identity. */
const REGISTRATIONS = {
  basic: { auth: 'client_secret_basic', idToken: 'ES256' },
  post: { auth: 'client_secret_post', idToken: 'RS256', userinfo: 'RS256' },
};

async function use(world, checks, services) {
  const subjects = new Set();
  for (const service of Object.values(services)) {
    const title = `${service.auth}, ${service.idToken}, identity ${service.userinfo ? 'signed' : 'plain'}`;
    await checks.check(`openid-client 6 (${title}) gets the identity with PKCE, then signs out`, async () => {
      await service.discover();
      const { tokens, identity } = await service.use(world, await service.ask());
      sameIdentity(identity, world.citizens.get('plain'));
      assert.equal(tokens.claims().mandate.procedure, PROCEDURE);
      subjects.add(identity.sub);
      await signOut(world, service, tokens);
    });
  }
  await checks.check('two services do not know the same citizen by one subject', () => assert.equal(subjects.size, 2));
}

async function signOut(world, service, tokens) {
  const state = oidc.randomState();
  const asked = { post_logout_redirect_uri: service.logoutUri, id_token_hint: tokens.id_token, state };
  const page = await world.browser.open(oidc.buildEndSessionUrl(service.config, asked).href, service.redirectUri);
  assert.equal(page.url, `${service.logoutUri}?state=${state}`);
}

async function refuse(world, checks, service) {
  await checks.check('a code is worth nothing without its verifier, and then nothing with it', async () => {
    const asked = await service.ask();
    const back = await service.codeFor(world, asked);
    const { pkceCodeVerifier, ...rest } = asked.checks;
    assert.equal(wordOf(await refusal(service.exchange(world, back, rest))), 'invalid_grant');
    assert.equal(wordOf(await refusal(service.exchange(world, back, asked.checks))), 'invalid_grant');
  });
  await checks.check('a code is worth nothing with the verifier of another request', async () => {
    const [asked, other] = [await service.ask(), await service.ask()];
    const back = await service.codeFor(world, asked);
    const crossed = { ...asked.checks, pkceCodeVerifier: other.checks.pkceCodeVerifier };
    assert.equal(wordOf(await refusal(service.exchange(world, back, crossed))), 'invalid_grant');
  });
  await checks.check('the identity is given once to this library too', async () => {
    const { tokens } = await service.use(world, await service.ask());
    assert.equal(wordOf(await refusal(service.identity(tokens))), 'invalid_token');
  });
  await checks.check('a request that must ask nothing leads back: somebody always chooses', async () => {
    const asked = await service.ask({ prompt: 'none' });
    await world.browser.open(asked.url.href, service.redirectUri);
    const error = await refusal(service.exchange(world, service.returned(world), asked.checks));
    must(['login_required', 'interaction_required'].includes(error.error), wordOf(error));
  });
}

/** Whoever is not FranceConnect and asks for a sign-in gets one: a code typed after the request. */
async function signAgain(world, checks, service) {
  await checks.check('prompt=login asks the mediator for a new code, and auth_time says when', async () => {
    const asked = await service.ask({ prompt: 'login', max_age: '60' });
    const { browser, mediator, citizens } = world;
    const before = Math.floor(Date.now() / 1000);
    await browser.open(asked.url.href, service.redirectUri);
    must(browser.page.path === '/code', `no code is asked for: ${browser.page}`);
    await browser.submit('/code', { code: await mediator.authenticator.code() });
    await choose(world, citizens.get('plain'), PROCEDURE);
    const back = service.returned(world);
    const tokens = await service.exchange(world, back, { ...asked.checks, maxAge: 60 });
    must(tokens.claims().auth_time >= before, 'auth_time is before the request');
  });
}

/** Registers its services with `service`; answers what is checked once that is served. */
export async function startOpenidClient(service) {
  const services = {};
  for (const [name, registration] of Object.entries(REGISTRATIONS)) {
    services[name] = new Service(registration);
    await services[name].register(service);
  }
  return async (world, checks) => {
    await use(world, checks, services);
    await refuse(world, checks, services.basic);
    await signAgain(world, checks, services.post);
    await announced(world, checks, services.basic, service);
  };
}
