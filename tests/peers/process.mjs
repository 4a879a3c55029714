// Programs that these checks start: a server each, on the loopback, its output in a file.
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename } from 'node:path';

import { wait } from './program.mjs';

export async function freePort() {
  const server = createServer();
  await new Promise((done, fail) => server.once('error', fail).listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

const answers = (url) =>
  fetch(url, { signal: AbortSignal.timeout(2_000), redirect: 'manual' }).then(
    (answer) => answer.ok,
    () => false,
  );

/**
 * Starts `command` (program and arguments), waits until `url` answers, and answers how to stop it: with its exit code.
 * It is stopped at the end in any case.
 */
export async function startServer({ command, url, log, undo, ...options }) {
  const output = openSync(log, 'a');
  const [program, ...words] = command;
  const child = spawn(program, words, { ...options, stdio: ['ignore', output, output] });
  closeSync(output);
  const ended = new Promise((done) => child.once('exit', (code, signal) => done(code ?? signal)));
  child.once('error', () => {});
  const stop = async () => {
    child.kill('SIGTERM');
    const kill = setTimeout(() => child.kill('SIGKILL'), 10_000);
    const code = child.pid === undefined ? 'not started' : await ended;
    clearTimeout(kill);
    return code;
  };
  undo.push(stop);
  for (const end = Date.now() + 20_000; Date.now() < end; await wait(100)) {
    if (child.exitCode !== null || child.pid === undefined) throw new Error(`${basename(program)} ended`);
    if (await answers(url)) return stop;
  }
  throw new Error(`${basename(program)} does not answer`);
}
