// An authenticator application (RFC 6238: SHA-1, 6 digits, 30 seconds), written apart from the service's own.
import { createHmac } from 'node:crypto';

const STEP = 30_000;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function base32(text) {
  const bits = [...text.toUpperCase().replace(/[\s=-]/g, '')]
    .map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, '0'))
    .join('');
  return Buffer.from(bits.match(/[01]{8}/g).map((byte) => parseInt(byte, 2)));
}

function codeAt(key, step) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', key).update(counter).digest();
  const number = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, '0');
}

export class Authenticator {
  constructor(secret) {
    this.key = base32(secret);
    this.used = -Infinity;
  }

  /**
   * A code that the service has not seen. It accepts each step once, and one step of drift: so the earliest unused of the
   * three steps around now is given, which allows three codes at once before any waiting.
   */
  async code() {
    for (;;) {
      const now = Date.now();
      const current = Math.floor(now / STEP);
      // Near its end, the step before is about to leave the window.
      const earliest = STEP - (now % STEP) < 4_000 ? current : current - 1;
      const step = Math.max(this.used + 1, earliest);
      if (step <= current + 1) {
        this.used = step;
        return codeAt(this.key, step);
      }
      await new Promise((resolve) => setTimeout(resolve, (step - 1) * STEP - now + 50));
    }
  }
}
