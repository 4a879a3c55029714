// Every call of the command line, in one place. Each creation answers with JSON: identifiers, and secrets shown once.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Without the variables that would be read as settings: `MANDATAIRE_BIN` itself is one of them. */
export const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('MANDATAIRE_')),
);

export class Admin {
  constructor(binary, config) {
    this.binary = binary;
    this.config = config;
  }

  async call(...words) {
    const options = { env: environment, timeout: 30_000 };
    try {
      return (await run(this.binary, ['--config', this.config, ...words], options)).stdout;
    } catch (error) {
      throw new Error(`mandataire ${words.slice(0, 3).join(' ')}: ${error.stderr || error.message}`);
    }
  }

  async create(...words) {
    return JSON.parse(await this.call('admin', ...words, '--json'));
  }

  migrate() {
    return this.call('migrate');
  }

  organisation(name, siret) {
    return this.create('organisation', 'create', name, '--siret', siret);
  }

  mediator(organisation, email, name) {
    return this.create('mediator', 'create', '--organisation', organisation, '--email', email, '--name', name);
  }

  auditor(email, name) {
    return this.create('auditor', 'create', '--email', email, '--name', name);
  }

  /**
   * Answers `client_id` and `client_secret`. Without `userinfo` the identity is answered in plain JSON; without `auth` the
   * secret is expected as FranceConnect sends it, in the form. `more` are words for what is particular to it.
   */
  client({
    name,
    franceConnect = false,
    redirectUri,
    logoutUri,
    idToken,
    userinfo,
    auth = 'client_secret_post',
    more = [],
  }) {
    const addresses = ['--redirect-uri', redirectUri, '--logout-uri', logoutUri];
    const ways = ['--algorithm', idToken, '--userinfo', userinfo ? 'jwt' : 'json', '--auth', auth];
    const kind = franceConnect ? ['--franceconnect'] : [];
    return this.create('client', 'register', '--name', name, ...kind, ...addresses, ...ways, ...more);
  }
}
