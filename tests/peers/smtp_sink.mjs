// A mail server that keeps what it is given: just enough of SMTP for a client without encryption or sign-in.
import { createServer } from 'node:net';

const MAXIMUM = 1 << 20;

/** Splits a message or a part of one into headers (lower case names) and body. */
function split(source) {
  const end = source.search(/\r?\n\r?\n/);
  const head = source.slice(0, end).replace(/\r?\n[ \t]+/g, ' ');
  const headers = head
    .split(/\r?\n/)
    .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]);
  return { headers: Object.fromEntries(headers), body: source.slice(end).replace(/^\r?\n\r?\n/, '') };
}

function decode(body, encoding = '7bit') {
  if (encoding.toLowerCase() === 'base64') return Buffer.from(body, 'base64').toString('utf8');
  const bytes =
    encoding.toLowerCase() === 'quoted-printable'
      ? body.replace(/=\r?\n/g, '').replace(/=([0-9A-F]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)))
      : body;
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** All the text of a message, whatever its parts and their encodings. */
function text(source) {
  const { headers, body } = split(source);
  const boundary = /boundary="?([^";]+)"?/i.exec(headers['content-type'] ?? '')?.[1];
  if (boundary === undefined) return decode(body, headers['content-transfer-encoding']);
  return body
    .split(`--${boundary}`)
    .slice(1, -1)
    .map((part) => text(part.replace(/^\r?\n/, '')))
    .join('\n');
}

/** One conversation. `done` receives each message. */
function converse(socket, done) {
  let [pending, to, data] = ['', [], undefined];
  const say = (line) => socket.write(`${line}\r\n`);
  const answers = {
    EHLO: () => say('250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8'),
    HELO: () => say('250 sink'),
    MAIL: () => say('250 ok'),
    RCPT: (line) => {
      to.push(/<([^>]*)>/.exec(line)?.[1]);
      say('250 ok');
    },
    DATA: () => {
      data = [];
      say('354 go on');
    },
    RSET: () => {
      to = [];
      say('250 ok');
    },
    NOOP: () => say('250 ok'),
    QUIT: () => {
      say('221 bye');
      socket.end();
    },
  };
  const line = (one) => {
    if (data === undefined) (answers[one.slice(0, 4).toUpperCase()] ?? (() => say('502 not here')))(one);
    else if (one === '.') {
      done({ to, source: data.join('\r\n') });
      [to, data] = [[], undefined];
      say('250 kept');
    } else data.push(one.startsWith('.') ? one.slice(1) : one);
  };
  socket.setEncoding('latin1');
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    pending += chunk;
    const lines = pending.split('\r\n');
    pending = lines.pop();
    lines.forEach(line);
    if (pending.length > MAXIMUM || data?.length > MAXIMUM) socket.destroy();
  });
  say('220 sink');
}

/** Starts it on 127.0.0.1. `next(address)` waits for the next unread mail to that address: `{to, text}`. */
export async function startSmtpSink() {
  const [mails, sockets] = [[], new Set()];
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    converse(socket, ({ to, source }) => mails.push({ to, text: text(source) }));
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    port: server.address().port,
    async next(address, patience = 10_000) {
      for (const end = Date.now() + patience; Date.now() < end; ) {
        const at = mails.findIndex(({ to }) => to.includes(address));
        if (at >= 0) return mails.splice(at, 1)[0];
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error(`no mail to ${address}`);
    },
    close() {
      sockets.forEach((socket) => socket.destroy());
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
