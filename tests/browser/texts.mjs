// The sentences of the screens, from the files that the program is built with: a story names a sentence, not its words.
import { readFileSync } from 'node:fs';

function read(language) {
  const file = new URL(`../../src/web/texts/${language}.toml`, import.meta.url);
  const texts = new Map();
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const found = /^(\w+) = ("(?:[^"\\]|\\.)*")$/.exec(line);
    // A basic string of TOML, as these files write them, is a string of JSON.
    if (found) texts.set(found[1], JSON.parse(found[2]));
  }
  return texts;
}

const TEXTS = { fr: read('fr'), en: read('en') };

/** The function that gives a sentence in this language, with its placeholders filled. */
export const textsIn = (language) => (key, values = {}) => {
  const text = TEXTS[language].get(key);
  if (text === undefined) throw new Error(`no text ${key} in ${language}`);
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
};
