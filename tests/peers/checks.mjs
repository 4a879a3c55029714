// One line per check, and the count.
export class Checks {
  passed = 0;
  failed = 0;

  closed = false;

  /** Runs a step; its failure is counted and printed, and the next ones still run. Returns what the step returns. */
  async check(name, step) {
    if (this.closed) return undefined;
    try {
      const result = await step();
      if (this.closed) return undefined;
      this.passed += 1;
      console.log(`ok   ${name}`);
      return result;
    } catch (error) {
      if (this.closed) return undefined;
      this.failed += 1;
      console.log(`FAIL ${name}: ${error.message.replace(/\s+/g, ' ')}`);
      return undefined;
    }
  }

  /** Says something that is no check, and counts for nothing. */
  note(text) {
    if (!this.closed) console.log(`note ${text}`);
  }

  /** From now on nothing is counted or printed: a step cut short has no result. */
  stop() {
    this.closed = true;
  }

  /** Prints the last line and returns the exit code. */
  close() {
    console.log(`${this.passed} passed, ${this.failed} failed`);
    return this.failed === 0 && this.passed > 0 ? 0 : 1;
  }
}
