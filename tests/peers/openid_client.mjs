// A public service in Node.js with openid-client 6: PKCE, and, when our metadata announce them, pushed authorization
// requests (RFC 9126) and DPoP (RFC 9449). No server of its own: the browser stops where it would be sent back.
import assert from 'node:assert/strict';

import * as oidc from 'openid-client-6';

import { identityToReplay } from './citizens.mjs';
import { choose, must } from './pages.mjs';

const SCOPE = 'openid profile email birth';
const SITE = 'https://allocataires.example.fr';
const PROCEDURE = 'logement';

/** Every way of authenticating, of signing, and both forms of the identity. */
const REGISTRATIONS = {
  basic: { auth: 'client_secret_basic', idToken: 'ES256' },
  post: { auth: 'client_secret_post', idToken: 'RS256', userinfo: 'RS256' },
};
const AUTHENTICATION = { client_secret_basic: oidc.ClientSecretBasic, client_secret_post: oidc.ClientSecretPost };

/** The library's error, or that it was accepted. */
async function refusal(promise) {
  const caught = await promise.then(
    () => undefined,
    (error) => error,
  );
  must(caught, 'accepted');
  return caught;
}

/** The word of OAuth for the refusal, from the body or from the challenge of the header. */
const wordOf = (error) => error.error ?? error.cause?.at?.(0)?.parameters?.error ?? `${error.code}: ${error.message}`;

class Service {
  constructor(registration) {
    Object.assign(this, registration);
    this.redirectUri = `${SITE}/${this.auth}/callback`;
    this.logoutUri = `${SITE}/${this.auth}/signed-out`;
  }

  async register({ admin, base, secrets }) {
    this.issuer = base;
    const { redirectUri, logoutUri, auth, idToken, userinfo } = this;
    const name = `openid-client ${auth}`;
    this.client = await admin.client({ name, redirectUri, logoutUri, auth, idToken, userinfo });
    secrets.push(this.client.client_secret);
  }

  async discover() {
    const { client_id: id, client_secret: secret } = this.client;
    const metadata = {
      client_secret: secret,
      id_token_signed_response_alg: this.idToken,
      ...(this.userinfo && { userinfo_signed_response_alg: this.userinfo }),
    };
    const options = { execute: [oidc.allowInsecureRequests], timeout: 10 };
    this.config = await oidc.discovery(new URL(this.issuer), id, metadata, AUTHENTICATION[this.auth](secret), options);
    return this.config.serverMetadata();
  }

  /** A request with PKCE, in the address or (`pushed`) sent ahead; `more` goes into it as it is. */
  async ask({ pushed = false, dpop, ...more } = {}) {
    const verifier = oidc.randomPKCECodeVerifier();
    const [state, nonce] = [oidc.randomState(), oidc.randomNonce()];
    const parameters = {
      redirect_uri: this.redirectUri,
      scope: SCOPE,
      state,
      nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...more,
    };
    const url = pushed
      ? await oidc.buildAuthorizationUrlWithPAR(this.config, parameters, dpop && { DPoP: dpop })
      : oidc.buildAuthorizationUrl(this.config, parameters);
    const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
    return { url, checks };
  }

  /** The browser's way from the request to the address with the code. */
  async codeFor(world, { url }) {
    const { browser, citizens } = world;
    await browser.open(url.href, this.redirectUri);
    await choose(world, citizens.get('plain'), PROCEDURE);
    return this.returned(world);
  }

  returned({ browser }) {
    const { page } = browser;
    must(page.url.startsWith(`${this.redirectUri}?`), `not sent back: ${page}`);
    return new URL(page.url);
  }

  /** The library checks `iss` and `state`, then the ID token. */
  async exchange(world, back, checks, options) {
    const tokens = await oidc.authorizationCodeGrant(this.config, back, checks, undefined, options);
    world.secrets.push(tokens.access_token, tokens.id_token);
    return tokens;
  }

  /** The library compares `sub`, and checks the signature if one is registered. */
  identity(tokens, options) {
    return oidc.fetchUserInfo(this.config, tokens.access_token, tokens.claims().sub, options);
  }

  /** All of it; `options` may hold `DPoP`. */
  async use(world, asked, options) {
    const back = await this.codeFor(world, asked);
    const tokens = await this.exchange(world, back, asked.checks, options);
    return { tokens, identity: await this.identity(tokens, options) };
  }
}

function sameIdentity({ sub, iss, aud, exp, iat, ...identity }, citizen) {
  assert.deepEqual(identity, identityToReplay(citizen));
  must(/^[\w-]{43}$/.test(sub) && sub !== citizen.sub, `sub ${sub}`);
}

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

/**
 * What is tried only once it is announced. The last line says which were: with EXPECT_FAPI=1 one that is missing is a failure.
 */
async function announced(world, checks, service) {
  const metadata = await service.discover();
  const features = {
    'pushed authorization requests': [metadata.pushed_authorization_request_endpoint !== undefined, push],
    DPoP: [(metadata.dpop_signing_alg_values_supported ?? []).includes('ES256'), prove],
  };
  const [tried, missing] = [[], []];
  for (const [name, [offered, step]] of Object.entries(features)) {
    (offered ? tried : missing).push(name);
    if (offered) await step(world, checks, service);
  }
  if (tried.length === 2) await pushAndProve(world, checks, service);
  const said = `tried: ${tried.join(', ') || 'none'}; not announced, so not tried: ${missing.join(', ') || 'none'}`;
  if (process.env.EXPECT_FAPI !== '1') checks.note(said);
  else
    await checks.check(`everything expected is announced and was tried (${said})`, () => assert.deepEqual(missing, []));
}

async function push(world, checks, service) {
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

async function prove(world, checks, service) {
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

async function pushAndProve(world, checks, service) {
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
    await announced(world, checks, services.basic);
  };
}
