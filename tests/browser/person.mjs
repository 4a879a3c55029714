// Somebody at a browser: what they do, in the words of their screen, and whatever went wrong meanwhile.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { Keyboard, Mouse } from './hands.mjs';
import { colourFaults, faults } from './look.mjs';
import { textsIn } from './texts.mjs';

const LOCALES = { fr: 'fr-FR', en: 'en-GB' };
const HEIGHTS = { 1280: 900, 320: 640 };

/** Runs in every page: what the policy of the page stopped is said where it is read. */
function sayViolations() {
  addEventListener('securitypolicyviolation', (event) =>
    console.error(`stopped by the policy: ${event.effectiveDirective} ${event.blockedURI}`),
  );
}

export class Person {
  #page;
  #hands;
  #expected = [];
  #messages = [];
  /** Every problem met, as `page: what`. */
  problems = [];
  /** Every page looked at, in order. */
  pages = [];

  /** @param way language, width, hand ("mouse", "keyboard"), and whether scripts run and dark colours are looked at */
  static async sitsDown(browser, way, { demo, folder, looked }) {
    const person = new Person();
    Object.assign(person, { way, demo, folder, looked, t: textsIn(way.language) });
    await mkdir(folder, { recursive: true });
    person.context = await browser.newContext({
      locale: LOCALES[way.language],
      timezoneId: 'Europe/Paris',
      viewport: { width: way.width, height: HEIGHTS[way.width] },
      javaScriptEnabled: way.scripts,
      forcedColors: way.forcedColors ? 'active' : 'none',
      colorScheme: 'light',
      serviceWorkers: 'block',
    });
    person.context.setDefaultTimeout(8_000);
    await person.context.addInitScript(sayViolations);
    person.#page = await person.context.newPage();
    person.#listen();
    person.#hands =
      way.hand === 'keyboard' ? new Keyboard(person.#page, (what) => person.#problem(what)) : new Mouse(person.#page);
    return person;
  }

  #problem(what) {
    const problem = `${new URL(this.#page.url()).pathname}: ${what}`;
    if (!this.problems.includes(problem)) this.problems.push(problem);
  }

  #listen() {
    const page = this.#page;
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.#messages.push([message.text(), message.location().url]);
    });
    page.on('pageerror', (error) => this.#problem(`script error: ${error.message}`));
    page.on('requestfailed', (request) => {
      const reason = request.failure()?.errorText;
      // Whoever leaves a page before its icon has come stops the icon: that is no fault.
      if (reason !== 'net::ERR_ABORTED') this.#problem(`not loaded: ${request.url()} (${reason})`);
    });
    page.on('response', (response) => {
      const request = response.request();
      if (request.isNavigationRequest() && request.frame() === page.mainFrame()) this.status = response.status();
      else if (response.status() >= 400) this.#problem(`${response.status()} for ${response.url()}`);
    });
  }

  // --- Going somewhere ---

  /** Does what leads to another page, and waits until it is there and has answered as it should. */
  async #goes(action, status) {
    const from = this.#page.url();
    const loaded = this.#page.waitForEvent('load');
    await Promise.all([loaded, action()]);
    if (status >= 400) this.#expected.push([status, this.#page.url()]);
    if (this.status !== status) {
      throw new Error(`${this.status} instead of ${status} at ${this.#page.url()}, coming from ${from}`);
    }
  }

  /** Types an address, of this service or of another site. */
  opens(address, status = 200) {
    return this.#goes(() => this.#page.goto(new URL(address, this.demo.base).href), status);
  }

  /** Presses a button or a link, found by a selector, that leads to another page. */
  presses(selector, status = 200) {
    return this.#goes(() => this.#hands.press(this.#page.locator(selector).first()), status);
  }

  /** Presses the button with the words of this text. */
  async pressesButton(key, status = 200, values = {}) {
    const button = this.#page.getByRole('button', { name: this.t(key, values) }).first();
    await this.#goes(() => this.#hands.press(button), status);
  }

  /** Follows the link with the words of this text. */
  async follows(key, status = 200) {
    const link = this.#page.getByRole('link', { name: this.t(key) }).first();
    await this.#goes(() => this.#hands.press(link), status);
  }

  // --- Filling in ---

  ticks(name, value = 'yes') {
    return this.#hands.tick(this.#page.locator(`input[name="${name}"][value="${value}"]`));
  }

  writes(name, text) {
    return this.#hands.write(this.#page.locator(`main :is(input, textarea)[name="${name}"]:not([type="hidden"])`), text);
  }

  chooses(name, value) {
    return this.#hands.choose(this.#page.locator(`select[name="${name}"]`), value);
  }

  /** Opens what is folded under this text. */
  unfolds(key) {
    return this.#hands.press(this.#page.locator('summary', { hasText: this.t(key) }));
  }

  /** From the list of errors at the top to the field: the focus must be there. */
  async followsTheFirstError() {
    const link = this.#page.locator('#errors a').first();
    const field = (await link.getAttribute('href')).slice(1);
    await this.#hands.press(link);
    const focused = await this.#page.evaluate(() => document.activeElement.id);
    if (focused !== field) this.#problem(`the list of errors leads to "${focused}" instead of "${field}"`);
  }

  /** With the keyboard: the first stop of a page is the link to its content, and it leads there. */
  async skipsToTheContent() {
    if (!(this.#hands instanceof Keyboard)) return;
    await this.#hands.tab();
    const first = await this.#page.evaluate(() => document.activeElement.className);
    if (first !== 'skip') this.#problem(`the first stop is "${first}", not the link to the content`);
    await this.#page.keyboard.press('Enter');
    const focused = await this.#page.evaluate(() => document.activeElement.id);
    if (focused !== 'main') this.#problem(`the link to the content leads to "${focused}"`);
  }

  // --- Reading ---

  get path() {
    return new URL(this.#page.url()).pathname;
  }

  get here() {
    return this.#page.url();
  }

  /** What an attribute says, such as where a link leads. */
  attribute(selector, name) {
    return this.#page.locator(selector).first().getAttribute(name);
  }

  counts(selector) {
    return this.#page.locator(selector).count();
  }

  /** The page says this, in the text of that part. */
  async reads(words, selector = 'body') {
    const text = await this.#page.locator(selector).first().innerText();
    if (!text.includes(words)) throw new Error(`"${words}" is not said at ${this.path}: ${text.slice(0, 200)}`);
  }

  /** The page says the sentence of this text. */
  readsText(key, selector) {
    return this.reads(this.t(key), selector);
  }

  async readsNothingOf(words) {
    const text = await this.#page.locator('body').innerText();
    if (text.includes(words)) throw new Error(`"${words}" is said at ${this.path}`);
  }

  /** Looks at the page as it is now: every check, and a picture. A page of the same name is looked at once in a story. */
  async looks(name) {
    if (this.looked.has(name)) return;
    this.looked.add(name);
    const file = `${String(this.looked.size).padStart(2, '0')}-${name}`;
    const ours = this.#page.url().startsWith(this.demo.base);
    for (const fault of await faults(this.#page, { language: ours ? this.way.language : null, scripts: this.way.scripts })) {
      this.#problem(`${name}: ${fault}`);
    }
    // Without scripts the pages are the same, and their pictures are taken in the other stories.
    if (this.way.scripts) await this.#picture(file);
    if (this.way.dark && ours) {
      await this.#page.emulateMedia({ colorScheme: 'dark' });
      for (const fault of await colourFaults(this.#page)) this.#problem(`${name}, dark: ${fault}`);
      await this.#picture(`${file}-dark`);
      await this.#page.emulateMedia({ colorScheme: 'light' });
    }
    this.pages.push(file);
  }

  /** A picture under a name of its own, without any check. */
  photographs(name) {
    return this.#picture(name);
  }

  async #picture(file) {
    // Left as it is: hiding the caret or stopping animations would put a style into a page that forbids styles.
    const path = join(this.folder, `${file}.png`);
    // Long lists are ten thousand pixels and more: on a busy machine the picture takes longer than people wait for a page.
    await this.#page.screenshot({ path, fullPage: true, caret: 'initial', animations: 'allow', timeout: 60_000 });
  }

  /** The page on paper: a picture as a printer would have it, and the PDF. Returns the PDF. */
  async prints(name) {
    await this.#page.emulateMedia({ media: 'print' });
    await this.#picture(`print-${name}`);
    await this.#page.emulateMedia({ media: null });
    return this.#page.pdf({ path: join(this.folder, `${name}.pdf`), preferCSSPageSize: true, tagged: true });
  }

  /** Leaves, and says what the browser complained of. Only the answers that the story expected are forgiven. */
  async leaves() {
    for (const [text, url] of this.#messages) {
      const status = /^Failed to load resource: the server responded with a status of (\d+)/.exec(text)?.[1];
      const forgiven = this.#expected.some(([code, address]) => String(code) === status && address === url);
      if (!forgiven) this.problems.push(`console at ${url}: ${text}`);
    }
    await this.context.close();
  }
}
