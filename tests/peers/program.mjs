// A program of checks: it ends in time whatever happens, and leaves nothing behind.
import { resolve } from 'node:path';

import { Checks } from './checks.mjs';

/** What one step of the end may take. */
const PATIENCE = 12_000;

export const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** What must be undone at the end, last first. */
class Undo {
  steps = [];
  ending = false;

  push(step) {
    // A story that was cut short may still start something: that ends at once.
    if (this.ending) this.one(step);
    else this.steps.push(step);
  }

  /** Undoes everything; nothing may keep it from going on. */
  async all() {
    this.ending = true;
    for (const step of this.steps.splice(0).reverse()) await this.one(step);
  }

  one(step) {
    const done = (async () => step())().catch(() => {});
    return Promise.race([done, wait(PATIENCE)]);
  }
}

/**
 * Runs `story(binary, checks, undo)` with the program that `MANDATAIRE_BIN` names, prints one line per check and the count,
 * and leaves the process: at the end of the story, after `limit` milliseconds, or when asked to stop.
 */
export function runProgram(story, limit) {
  const [checks, undo] = [new Checks(), new Undo()];
  let ending;
  const leave = () => {
    checks.stop();
    ending ??= undo.all().then(() => process.exit(checks.close()));
  };
  const fail = (message) => {
    if (ending !== undefined) return;
    checks.failed += 1;
    console.log(`FAIL ${message}`);
    leave();
  };
  setTimeout(() => fail(`not finished after ${limit / 1000} s`), limit).unref();
  process.on('SIGTERM', () => fail('asked to stop'));
  process.on('SIGINT', () => fail('asked to stop'));
  if (process.env.MANDATAIRE_BIN === undefined) fail('MANDATAIRE_BIN is not set');
  else story(resolve(process.env.MANDATAIRE_BIN), checks, undo).then(leave, (error) => fail(error.stack));
}
