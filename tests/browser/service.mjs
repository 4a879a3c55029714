// A real `serve` with nothing in it yet: the demonstration's people have signed in before, these have not.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Admin, environment } from '../peers/admin.mjs';
import { startSmtpSink } from '../peers/smtp_sink.mjs';
import { answers, end, freePort } from './demo.mjs';

export class Service {
  static async start(binary) {
    const service = new Service();
    service.folder = await mkdtemp(join(tmpdir(), 'mandataire-browser-'));
    service.mails = await startSmtpSink();
    const port = await freePort();
    service.base = `http://127.0.0.1:${port}`;
    try {
      const config = await service.#configure(port);
      service.admin = new Admin(binary, config);
      await service.admin.migrate();
      const serve = ['--config', config, 'serve'];
      service.child = spawn(binary, serve, { cwd: service.folder, env: environment, stdio: 'ignore' });
      service.child.once('error', () => {});
      await answers(service.base, service.child);
    } catch (error) {
      await service.stop();
      throw error;
    }
    return service;
  }

  /** Nobody opens a mandate here: FranceConnect's address leads nowhere. */
  async #configure(port) {
    const secret = (name, content) => writeFile(join(this.folder, name), `${content}\n`, { mode: 0o600 });
    await secret('master.key', randomBytes(32).toString('base64'));
    await secret('franceconnect.secret', randomBytes(32).toString('hex'));
    const inside = (name) => JSON.stringify(join(this.folder, name));
    const config = join(this.folder, 'mandataire.toml');
    await writeFile(
      config,
      `public_url = "${this.base}"
listen = "127.0.0.1:${port}"
development = true
contact = "contact@example.fr"
[database]
url = ${JSON.stringify(`sqlite:${join(this.folder, 'mandataire.db')}`)}
[secrets]
master_key_file = ${inside('master.key')}
[mail]
mode = "smtp"
from = "mandataire@example.fr"
host = "127.0.0.1"
port = ${this.mails.port}
encryption = "none"
[franceconnect]
issuer = "http://127.0.0.1:9/api/v2"
client_id = "${randomBytes(16).toString('hex')}"
client_secret_file = ${inside('franceconnect.secret')}
`,
    );
    return config;
  }

  async stop() {
    if (this.child) await end(this.child);
    await this.mails?.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
