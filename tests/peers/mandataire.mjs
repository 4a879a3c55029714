// A real `mandataire serve` with what it needs around it: a database, mails, and a FranceConnect for its citizens.
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Admin, environment } from './admin.mjs';
import { citizens } from './citizens.mjs';
import { startFranceConnect } from './franceconnect_provider.mjs';
import { freePort, startServer } from './process.mjs';
import { startSmtpSink } from './smtp_sink.mjs';

/** A TOML string: JSON's are all valid. */
export const toml = JSON.stringify;

/** A folder that is removed at the end, unless `KEEP` says otherwise. */
export async function temporaryFolder(undo) {
  const folder = await mkdtemp(join(tmpdir(), 'mandataire-peers-'));
  if (process.env.KEEP) console.log(`kept: ${folder}`);
  else undo.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The service under test. Its database must be empty; without `DATABASE_URL` it is an SQLite file in `folder`. */
export class Mandataire {
  /**
   * Everything but the service itself, which is not started yet. `further`, if given, is asked with the service, whose
   * address is known by then, for more lines of the configuration.
   */
  static async prepare(binary, undo, further = () => '') {
    const service = new Mandataire();
    service.undo = undo;
    service.binary = binary;
    service.folder = await temporaryFolder(undo);
    service.mails = await startSmtpSink();
    undo.push(() => service.mails.close());
    const port = await freePort();
    service.base = `http://127.0.0.1:${port}`;
    const client = { clientId: randomBytes(32).toString('hex'), clientSecret: randomBytes(32).toString('hex') };
    service.franceConnect = await startFranceConnect({
      ...client,
      redirectUri: `${service.base}/franceconnect/callback`,
      postLogoutRedirectUri: `${service.base}/franceconnect/logged-out`,
    });
    undo.push(() => service.franceConnect.close());
    /** Receives whatever must never be written to a log. */
    service.secrets = [client.clientSecret];
    service.config = await service.configure(port, client, await further(service));
    service.admin = new Admin(binary, service.config);
    return service;
  }

  /** Writes a file that this user alone may read; answers its path. */
  async secret(name, content) {
    const path = join(this.folder, name);
    await writeFile(path, content, { mode: 0o600 });
    return path;
  }

  async configure(port, client, further) {
    const path = (name) => join(this.folder, name);
    const masterKey = await this.secret('master.key', `${randomBytes(32).toString('base64')}\n`);
    const clientSecret = await this.secret('franceconnect.secret', `${client.clientSecret}\n`);
    const config = path('mandataire.toml');
    await writeFile(
      config,
      `public_url = ${toml(this.base)}
listen = "127.0.0.1:${port}"
name = "Mandataire"
development = true
contact = "contact@example.fr"
[database]
url = ${toml(process.env.DATABASE_URL ?? `sqlite:${path('mandataire.db')}`)}
[secrets]
master_key_file = ${toml(masterKey)}
[mail]
mode = "smtp"
from = "mandataire@example.fr"
host = "127.0.0.1"
port = ${this.mails.port}
encryption = "none"
[franceconnect]
issuer = ${toml(this.franceConnect.issuer)}
client_id = ${toml(client.clientId)}
client_secret_file = ${toml(clientSecret)}
[log]
level = "debug"
${further}`,
    );
    return config;
  }

  /** Starts `serve`, and waits until it answers. */
  async serve() {
    this.stop = await startServer({
      command: [this.binary, '--config', this.config, 'serve'],
      url: this.base,
      log: join(this.folder, 'serve.log'),
      undo: this.undo,
      cwd: this.folder,
      env: environment,
    });
  }

  log() {
    return readFile(join(this.folder, 'serve.log'), 'utf8');
  }

  /** The last checks of every program: it stops, and its log has nothing of these accounts, of citizens, or of secrets. */
  async ends(checks, accounts) {
    await checks.check('it stops when asked', async () => {
      const code = await this.stop();
      if (code !== 0) throw new Error(`ended with ${code}`);
    });
    await checks.check('no secret and no person is in its log', async () => {
      const log = await this.log();
      const persons = [...citizens.values()].flatMap(({ family_name: name, email, sub }) => [name, email, sub]);
      const found = [...this.secrets, ...persons, ...accounts].filter((text) => log.includes(text));
      if (found.length > 0) throw new Error(`${found.length} found, such as ${found[0].slice(0, 8)}…`);
    });
  }

  /** What it said last, for whoever looks for a cause. */
  async tail() {
    const log = await this.log().catch(() => '');
    console.log(log.split('\n').slice(-30).join('\n'));
  }
}
