// Pages whose people or whose days the demonstration does not have, as `write_pages` fills them: officers, signals, inquiries that were
// decided, long lists and long names. PAGES says where they are.
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = resolve(process.env.PAGES ?? fileURLToPath(new URL('../../../target/pages', import.meta.url)));
const FILLED = ['usual', 'empty', 'long', 'rtl', 'refused'];
const SHOWN = /^(office.*|own-.*|signals?|findings|inquir.*|identity|timeline|activity|journal|entry|purpose)\.html$/;

/** Chromium says on its console that what was typed there is no date. */
const TOLD = 'refused-journal.html';

/** Serves the pages as files: nothing answers a form. */
class Sheets {
  static async start() {
    const sheets = new Sheets();
    sheets.names = await readdir(FOLDER).catch(() => {
      throw new Error(`no pages in ${FOLDER}: run \`cargo test --test it write_pages -- --ignored\``);
    });
    sheets.server = createServer(async (request, response) => {
      const name = decodeURIComponent(request.url.slice(1));
      if (!sheets.names.includes(name)) return response.writeHead(204).end();
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(await readFile(join(FOLDER, name)));
    });
    await new Promise((listening) => sheets.server.listen(0, '127.0.0.1', listening));
    sheets.base = `http://127.0.0.1:${sheets.server.address().port}`;
    return sheets;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((closed) => this.server.close(closed));
  }
}

async function looksAtAll(arrives, sheets) {
  const person = await arrives();
  let seen = 0;
  for (const filled of FILLED) {
    const begin = `${person.way.language}-${filled}-`;
    for (const name of sheets.names.filter((one) => one.startsWith(begin) && SHOWN.test(one.slice(begin.length)))) {
      if (name.endsWith(TOLD)) continue;
      await person.opens(`/${name}`);
      await person.looks(name.slice(3, -'.html'.length));
      seen += 1;
    }
  }
  if (seen < 15 * FILLED.length) throw new Error(`${seen} pages only`);
}

const way = (language, width, more = {}) => ({ language, width, hand: 'mouse', scripts: true, dark: false, ...more });

export const sheetStories = [way('fr', 320), way('en', 1280, { dark: true }), way('en', 320), way('fr', 1280)].map((chosen) => ({
  name: `sheets-${chosen.language}-${chosen.width}`,
  way: chosen,
  place: Sheets,
  tell: looksAtAll,
}));
