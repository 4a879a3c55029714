// A browser without a screen: cookies, redirects, forms. It refuses what a real browser refuses and a plain HTTP client
// would let pass: strict cookies after a link from another site, form targets outside the page's `form-action`.
import { request } from 'node:http';

import { Element } from './html.mjs';

const TIMEOUT = 10_000;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** One answer, with what is needed to go on from it. */
class Page {
  constructor(url, status, headers, text, hops) {
    Object.assign(this, { url, status, headers, text, hops });
    this.root = Element.document(text);
  }

  get words() {
    return this.root.words;
  }

  get path() {
    return new URL(this.url).pathname;
  }

  /** For messages: where it is and how it begins. */
  toString() {
    return `${this.status} ${this.url.split('?')[0]} “${this.words.slice(0, 200)}”`;
  }

  /** The form that posts to this path (a text, or a pattern); the page itself where the form names none. */
  findForm(action) {
    return this.root.all('form').find((form) => {
      const { pathname } = new URL(form.get('action') || this.url, this.url);
      return typeof action === 'string' ? pathname === action : action.test(pathname);
    });
  }

  form(action) {
    const form = this.findForm(action);
    if (form === undefined) throw new Error(`no form ${action} on ${this}`);
    return form;
  }

  /** The links whose path matches, with their text. */
  links(pattern) {
    return this.root
      .all('a[href]')
      .map((a) => ({ url: new URL(a.get('href'), this.url), text: a.words }))
      .filter(({ url }) => pattern.test(url.pathname));
  }

  /** The values that a field of this form offers (options, boxes, buttons), or nothing for a text field. */
  offered(form, name) {
    const boxes = form.all('input, button').filter((box) => box.get('name') === name);
    const options = form.all('select').filter((list) => list.get('name') === name);
    return [
      ...boxes.filter((box) => isChoice(box)).map((box) => box.get('value') ?? 'on'),
      ...options.flatMap((list) => list.all('option').map((one) => one.get('value') ?? one.text)),
    ].filter((value) => value !== '');
  }
}

const type = (element) => element.get('type')?.toLowerCase();
const isButton = (element) => element.name === 'button' || type(element) === 'submit';
const isChoice = (element) => isButton(element) || ['checkbox', 'radio'].includes(type(element));

/** What a form holds before anybody touches it: `[name, value]` pairs, without its buttons. */
function untouched(form) {
  const pairs = [];
  for (const field of form.all('input, select, textarea')) {
    const name = field.get('name');
    if (!name || field.get('disabled') !== undefined || isButton(field)) continue;
    if (field.name === 'textarea') pairs.push([name, field.text]);
    else if (field.name === 'select') {
      const options = field.all('option');
      const chosen = options.find((option) => option.get('selected') !== undefined) ?? options.at(0);
      if (chosen) pairs.push([name, chosen.get('value') ?? chosen.text]);
    } else if (!isChoice(field)) pairs.push([name, field.get('value') ?? '']);
    else if (field.get('checked') !== undefined) pairs.push([name, field.get('value') ?? 'on']);
  }
  return pairs;
}

/** The form filled in: only fields that exist and choices that are offered can be given. */
function filled(page, form, values) {
  const all = form.all('input, select, textarea, button');
  const buttons = all.filter((element) => isButton(element) && type(element) !== 'button');
  const pressed = buttons.find((button) => values[button.get('name')] === button.get('value'));
  const button = pressed ?? buttons.at(0);
  const given = Object.entries(values).map(([name, value]) => [name, [value].flat()]);
  for (const [name, wanted] of given) {
    if (!all.some((field) => field.get('name') === name)) throw new Error(`no field ${name} on ${page}`);
    const offered = page.offered(form, name);
    const missing = offered.length > 0 && wanted.find((value) => !offered.includes(value));
    if (missing) throw new Error(`${missing} is not offered for ${name} on ${page}`);
  }
  const pairs = untouched(form).filter(([name]) => !(name in values));
  const name = button?.get('name');
  if (name && !(name in values)) pairs.push([name, button.get('value') ?? '']);
  return [...pairs, ...given.flatMap(([field, wanted]) => wanted.map((value) => [field, value]))];
}

/** Whether the page lets its forms lead to this address: Chromium asks at every redirect too. */
function formMayLeadTo(page, url) {
  const policies = [page.headers['content-security-policy'] ?? []].flat().flatMap((value) => value.split(/[;,]/));
  const rule = policies.map((directive) => directive.trim().split(/\s+/)).find(([name]) => name === 'form-action');
  if (rule === undefined) return true;
  return rule.slice(1).some((source) => {
    if (source === "'self'") return url.origin === new URL(page.url).origin;
    if (source.endsWith(':')) return url.protocol === source;
    return url.href === source || url.origin === source || (source.endsWith('/') && url.href.startsWith(source));
  });
}

function send(url, { method, headers, body }) {
  return new Promise((resolve, reject) => {
    const req = request(url, { method, headers, timeout: TIMEOUT }, (res) => {
      const chunks = [];
      res.on('data', (chunk) => chunks.push(chunk));
      res.on('error', reject);
      res.on('end', () =>
        resolve({ status: res.statusCode, headers: res.headers, text: Buffer.concat(chunks).toString() }),
      );
    });
    req.on('timeout', () => req.destroy(new Error(`no answer from ${url.origin}${url.pathname}`)));
    req.on('error', reject);
    req.end(body);
  });
}

export class Browser {
  /** Addresses for which `isOutside` holds are not visited: the page's `url` is where the browser would go. */
  constructor({ isOutside = () => false } = {}) {
    this.isOutside = isOutside;
    // By origin with its port: on the loopback each port stands for a site of its own.
    this.jar = new Map();
    this.page = undefined;
  }

  /** Types an address, or (`from` given) follows a link on a page of that address. */
  async open(url, from) {
    return this.travel(new URL(url, this.page?.url), { method: 'GET', from });
  }

  /** Follows the link of the current page. */
  async follow({ url }) {
    return this.open(url, this.page.url);
  }

  /** Fills and sends a form of the current page; `forced` adds pairs that the page does not offer. */
  async submit(action, values = {}, forced = []) {
    const page = this.page;
    const form = page.form(action);
    const pairs = new URLSearchParams([...filled(page, form, values), ...forced]);
    const target = new URL(form.get('action') || page.url, page.url);
    if (form.get('method')?.toLowerCase() !== 'post') {
      target.search = pairs.toString();
      return this.travel(target, { method: 'GET', from: page.url, form: page });
    }
    return this.travel(target, { method: 'POST', from: page.url, form: page, body: pairs.toString() });
  }

  async travel(url, { method, from, form, body }) {
    const hops = [];
    for (let left = 15; left > 0; left -= 1) {
      if (form && !formMayLeadTo(form, url)) throw new Error(`form-action of ${form.url} forbids ${url.origin}`);
      if (this.isOutside(url)) return this.arrive(new Page(url.href, 0, {}, '', hops));
      const answer = await send(url, { method, body, headers: this.headers(url, method, from) });
      this.keep(url, answer.headers['set-cookie']);
      hops.push({ url: url.href, status: answer.status });
      const { location } = answer.headers;
      if (!REDIRECTS.has(answer.status) || location === undefined) {
        return this.arrive(new Page(url.href, answer.status, answer.headers, answer.text, hops));
      }
      if (answer.status < 307) [method, body] = ['GET', undefined];
      url = new URL(location, url);
    }
    throw new Error(`too many redirects: ${hops.map((hop) => hop.url.split('?')[0]).join(' → ')}`);
  }

  /** A page that submits its own form is not where a person stops. */
  async arrive(page) {
    this.page = page;
    const itself = /document\.forms\[0\]\.submit\(\)/.test(page.text);
    if (!itself) return page;
    const before = page.hops;
    const form = page.root.first('form');
    const next = await this.submit(new URL(form.get('action'), page.url).pathname);
    next.hops.unshift(...before);
    return next;
  }

  headers(url, method, from) {
    const site = from === undefined ? 'none' : new URL(from).origin === url.origin ? 'same-origin' : 'cross-site';
    const cookies = [...(this.jar.get(url.origin) ?? [])].filter(
      ([, { path, sameSite }]) =>
        (url.pathname === path || url.pathname.startsWith(path.endsWith('/') ? path : `${path}/`)) &&
        (site !== 'cross-site' || (sameSite !== 'strict' && (method === 'GET' || sameSite === 'none'))),
    );
    return {
      accept: 'text/html',
      'accept-language': 'fr',
      'user-agent': 'Mozilla/5.0 (peers)',
      'sec-fetch-site': site,
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
      ...(cookies.length > 0 && { cookie: cookies.map(([name, { value }]) => `${name}=${value}`).join('; ') }),
      ...(method === 'POST' && { origin: new URL(from).origin, 'content-type': 'application/x-www-form-urlencoded' }),
    };
  }

  /** `Secure` does not matter on the loopback, which browsers trust. */
  keep(url, lines = []) {
    const jar = this.jar.get(url.origin) ?? new Map();
    this.jar.set(url.origin, jar);
    for (const line of lines) {
      const [pair, ...rest] = line.split(';').map((part) => part.trim());
      const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
      const attributes = new Map(rest.map((part) => part.split('=')).map(([key, text]) => [key.toLowerCase(), text]));
      const gone = attributes.get('max-age') <= 0 || Date.parse(attributes.get('expires')) <= Date.now();
      const sameSite = attributes.get('samesite')?.toLowerCase() ?? 'lax';
      if (gone) jar.delete(name);
      else jar.set(name, { value, sameSite, path: attributes.get('path') ?? '/' });
    }
  }
}
