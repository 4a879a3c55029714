// What a person does on the pages of the service: everything that depends on their addresses and forms.
import { Authenticator } from './authenticator.mjs';

const WEBMAIL = 'https://webmail.example.fr/';

export function must(condition, message) {
  if (!condition) throw new Error(message);
}

/** The current page must be there and not be a refusal. */
export function at(browser, pattern, status = 200) {
  const { page } = browser;
  must(page.status === status && pattern.test(page.path), `expected ${status} ${pattern}, got ${page}`);
  return page;
}

/** The link whose own words, or those of its line, hold this text. */
function linkTo(page, pattern, text) {
  const near = (a) => (a.nearest('li', 'tr') ?? a).words;
  const found = page.root
    .all('a[href]')
    .filter((a) => pattern.test(new URL(a.get('href'), page.url).pathname))
    .find((a) => near(a).includes(text));
  return found && { url: new URL(found.get('href'), page.url) };
}

/** Asks for a link on the current page, and opens it where the mail is read. */
async function openLink({ browser, mails, secrets }, email) {
  await browser.submit('/sign-in', { email });
  const [link, token] = /https?:\/\/\S+\/sign-in\/link\?token=([\w-]+)/.exec((await mails.next(email)).text) ?? [];
  must(link, 'no link in the mail');
  secrets.push(token);
  // Opened from a webmail: a strict cookie would be missing, as in a real browser.
  await browser.open(link, WEBMAIL);
}

/** First sign-in of an account: link by mail, enrolment of an authenticator, terms of use. */
export async function signInFirst(world, email) {
  const { base, browser, secrets } = world;
  await browser.open(`${base}/sign-in`);
  await openLink(world, email);
  await browser.submit('/sign-in/link');
  const secret = at(browser, /^\/enrolment$/)
    .root.first('[data-secret]')
    ?.get('data-secret');
  must(secret, 'no secret on the enrolment page');
  secrets.push(secret);
  const authenticator = new Authenticator(secret);
  await browser.submit('/enrolment', { code: await authenticator.code() });
  const [terms] = browser.page.links(/^\/terms$/);
  must(terms, `no link to the terms on ${browser.page}`);
  await browser.follow(terms);
  await browser.submit('/terms', { accept: 'yes' });
  must(browser.page.status === 200, `after the terms: ${browser.page}`);
  return authenticator;
}

/** Signs in wherever a page of ours asks for it: link by mail, then a code. */
export async function signIn(world, email, authenticator) {
  at(world.browser, /^\/sign-in$/);
  await openLink(world, email);
  await world.browser.submit('/sign-in/link', { code: await authenticator.code() });
}

/** The mediator starts a draft, with `provider` by its own button; the browser ends on FranceConnect's own page. */
export async function startDraft({ base, browser }, procedures, term, provider) {
  await browser.open(`${base}/mandates/new`);
  await browser.submit('/mandates/drafts', { procedures, term, ...(provider && { provider }) });
}

/** The citizen identifies; FranceConnect's session is ended on the way back. */
export async function identify({ browser }, citizen) {
  await browser.submit(/\/interaction\/[^/]+\/login$/, { citizen });
}

/** The citizen agrees, then the mediator confirms. Answers the mandate's identifier. */
export async function agreeAndConfirm({ browser }, authenticator) {
  at(browser, /^\/agreements\/[^/]+$/);
  await browser.submit(/^\/agreements\//, { decision: 'agree', unprotected: 'yes' });
  const recap = at(browser, /^\/mandates\/drafts\/drf_[^/]+$/);
  await browser.submit(recap.path, { in_front: 'yes', informed: 'yes', code: await authenticator.code() });
  return at(browser, /^\/mandates\/mdt_[^/]+$/)
    .path.split('/')
    .at(-1);
}

/** FranceConnect sends the mediator's browser; answers the use begun, the browser being on our choice of citizen. */
export async function beginUse({ browser, secrets }, peer, repScope) {
  const started = await peer.start(repScope);
  await browser.open(started.url, peer.redirectUri);
  return { peer, ...started, browser, secrets };
}

/** Picks the citizen on the choice of citizens; false if not there. */
export async function pickCitizen({ browser }, citizen) {
  const page = at(browser, /^\/provider\/flw_[^/]+$/);
  const name = citizen.preferred_username ?? citizen.family_name;
  const link = linkTo(page, /^\/provider\/flw_[^/]+\/citizens\/cit_[^/]+$/, name);
  if (link) await browser.follow(link);
  return link !== undefined;
}

/** The procedures that the current page of a use offers. */
export function offeredProcedures({ page }) {
  const form = page.findForm(page.path);
  return form ? page.offered(form, 'procedure') : [];
}

/** Picks citizen and procedure: the browser goes back to the service, with a code that no log may hold. */
export async function choose(use, citizen, procedure) {
  const { browser, secrets } = use;
  must(await pickCitizen(use, citizen), `the citizen is not offered on ${browser.page}`);
  const { hops, url } = await browser.submit(browser.page.path, { procedure });
  const codes = [...hops.map((hop) => hop.url), url].map((one) => new URL(one).searchParams.get('code'));
  secrets.push(...codes.filter((code) => code));
}

/** The whole way to an authorisation code: answers the parameters that FranceConnect receives. */
export async function obtainCode(use, citizen, procedure) {
  const { browser } = use;
  await choose(use, citizen, procedure);
  const params = use.peer.returned(use, browser.page.url);
  must(params.code, `no code: ${params.error} ${params.error_description ?? ''}`);
  return params;
}

/** Says of every use that still waits for it what came of it; answers how many there were. */
export async function sayDone({ base, browser }) {
  const form = /^\/uses\/[^/]+\/outcome$/;
  await browser.open(`${base}/home`);
  let said = 0;
  for (; browser.page.findForm(form); said += 1) {
    await browser.submit(form, { outcome: 'done' });
    must(browser.page.status === 200, `after the outcome: ${browser.page}`);
    await browser.open(`${base}/home`);
  }
  return said;
}

/** Revokes a whole mandate, with the first reason offered. */
export async function revoke({ base, browser }, mandate) {
  const path = `/mandates/${mandate}/revocation`;
  const page = await browser.open(`${base}${path}`);
  const [reason = 'Demande de l’usager'] = page.offered(page.form(path), 'reason');
  await browser.submit(path, { reason });
  at(browser, /^\/mandates\/mdt_[^/]+$/);
}

/** The auditor says why, then may read. */
export async function givePurpose({ base, browser }) {
  const page = await browser.open(`${base}/journal/purpose`);
  const [purpose = 'Contrôle trimestriel des habilitations'] = page.offered(page.form('/journal/purpose'), 'purpose');
  await browser.submit('/journal/purpose', { purpose });
  at(browser, /^\/journal$/);
}
