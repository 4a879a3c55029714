// Every story in a real browser, two at a time, each against a demonstration of its own.
//
//   MANDATAIRE_BIN=…/mandataire [CHROMIUM=/usr/bin/chromium] [ONLY=part-of-a-name] node run.mjs [OUTPUT-FOLDER]
//
// The output (or BROWSER_OUT, or target/run/browser) gets a picture of every page, the mandates as PDF, and results.json.
// One line per story, then "N passed, M failed".
import { access, mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

import { Demo } from './demo.mjs';
import { Person } from './person.mjs';
import { stories } from './stories/all.mjs';

const LIMIT = 600_000;
const AT_ONCE = 2;
/** Nothing that calls elsewhere, and no certificate of this machine is needed. */
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const root = fileURLToPath(new URL('../..', import.meta.url));
const output = resolve(process.argv[2] ?? process.env.BROWSER_OUT ?? join(root, 'target/run/browser'));
const binary = resolve(process.env.MANDATAIRE_BIN ?? join(root, 'target/debug/mandataire'));
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** What runs now and must not outlive this process. */
const open = new Set();
/** Nothing new begins once this process is asked to stop. */
let stopping = false;

/** One story: the demonstration it happens in (or another place), its people, and everything that was wrong. */
async function run(browser, story) {
  const started = Date.now();
  const people = [];
  const problems = [];
  const folder = join(output, story.name);
  const looked = new Set();
  let demo;
  try {
    demo = await (story.place ?? Demo).start(binary);
    open.add(demo);
    const arrives = async (more = {}) => {
      const person = await Person.sitsDown(browser, { ...story.way, ...more }, { demo, folder, looked });
      people.push(person);
      return person;
    };
    await story.tell(arrives, demo);
  } catch (error) {
    problems.push(`the story stops: ${error.message}`);
    const last = people.at(-1);
    if (last) await last.photographs('where-it-stopped').catch(() => {});
  }
  for (const person of people) {
    await person.leaves().catch((error) => problems.push(error.message));
    problems.push(...person.problems);
  }
  await demo?.stop();
  open.delete(demo);
  const pages = people.flatMap((person) => person.pages);
  return { name: story.name, way: story.way, seconds: (Date.now() - started) / 1000, pages, problems };
}

function say({ name, seconds, pages, problems }) {
  const summary = `${name} (${pages.length} pages, ${seconds.toFixed(1)} s)`;
  console.log(`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${summary}`);
  for (const problem of problems) console.log(`       ${problem}`);
}

/** Takes the stories in order, two at a time: there is a core for each. */
async function runAll(browser, chosen) {
  const results = [];
  const waiting = [...chosen];
  const take = async () => {
    for (let story = waiting.shift(); story !== undefined && !stopping; story = waiting.shift()) {
      const result = await run(browser, story);
      say(result);
      results.push(result);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, take));
  return results;
}

async function main() {
  await access(binary);
  await rm(output, { recursive: true, force: true });
  await mkdir(output, { recursive: true });
  const chosen = stories.filter(({ name }) => name.includes(process.env.ONLY ?? ''));
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  let results;
  try {
    results = await runAll(browser, chosen);
  } finally {
    await browser.close();
  }
  const version = browser.version();
  await writeFile(join(output, 'results.json'), `${JSON.stringify({ browser: version, stories: results }, null, 2)}\n`);
  const passed = results.filter(({ problems }) => problems.length === 0).length;
  console.log(`${passed} passed, ${results.length - passed} failed`);
  return passed > 0 && passed === results.length ? 0 : 1;
}

async function giveUp(reason) {
  if (stopping) return;
  stopping = true;
  console.log(`FAIL ${reason}`);
  console.log('0 passed, 1 failed');
  await Promise.all([...open].map((demo) => demo.stop().catch(() => {})));
  process.exit(1);
}

setTimeout(() => giveUp(`not finished after ${LIMIT / 1000} s`), LIMIT).unref();
process.on('SIGTERM', () => giveUp('asked to stop'));
process.on('SIGINT', () => giveUp('asked to stop'));
main().then(
  (code) => process.exit(code),
  (error) => giveUp(error.message),
);
