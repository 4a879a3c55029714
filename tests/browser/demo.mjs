// A demonstration of its own for each story: nobody else's mandates, and codes that nobody has used.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

export async function freePort() {
  const server = createServer();
  await new Promise((done, fail) => server.once('error', fail).listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** Resolves when the program answers at this address; fails if it ends before, or takes 20 seconds. */
export async function answers(address, child) {
  for (const end = Date.now() + 20_000; Date.now() < end; await wait(50)) {
    if (child.exitCode !== null || child.pid === undefined) throw new Error('the program ended');
    const answered = await fetch(address, { signal: AbortSignal.timeout(2_000) }).then(
      (answer) => answer.ok,
      () => false,
    );
    if (answered) return;
  }
  throw new Error('the program does not answer');
}

/** Ends a program started here, by force if it must be. */
export async function end(child) {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((done) => child.once('exit', done));
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await ended;
  clearTimeout(force);
}

export class Demo {
  #spent = new Map();

  /** Starts the program in a folder of its own, because `demo` writes where it stands. */
  static async start(binary) {
    const demo = new Demo();
    demo.folder = await mkdtemp(join(tmpdir(), 'mandataire-browser-'));
    const port = await freePort();
    demo.base = `http://127.0.0.1:${port}`;
    demo.child = spawn(binary, ['demo', '--port', String(port)], { cwd: demo.folder, stdio: 'ignore' });
    demo.child.once('error', () => {});
    try {
      await answers(`${demo.base}/demo`, demo.child);
    } catch (error) {
      await demo.stop();
      throw error;
    }
    return demo;
  }

  async stop() {
    await end(this.child);
    await rm(this.folder, { recursive: true, force: true });
  }

  /** A code that this account has not used: the one shown now, the next one, or the one of the next step. */
  async code(email) {
    const spent = this.#spent.get(email) ?? new Set();
    this.#spent.set(email, spent);
    for (const limit = Date.now() + 45_000; Date.now() < limit; await wait(500)) {
      const answer = await fetch(`${this.base}/demo/codes`, { headers: { accept: 'application/json' } });
      const account = (await answer.json()).find((one) => one.email === email);
      if (account === undefined) throw new Error(`no account ${email}`);
      const code = [account.code, account.next_code].find((one) => !spent.has(one));
      if (code !== undefined) {
        spent.add(code);
        return code;
      }
    }
    throw new Error(`no code left for ${email}`);
  }
}
