// What must hold of every page that somebody meets, whoever and wherever they are.
import { readFileSync } from 'node:fs';

const AXE = readFileSync(new URL('node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

/** Everything axe knows of WCAG 2.2 A and AA, and what it calls good practice. */
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Runs in the page: faults that need no tool. `language` is null where the site chooses its own. */
function plainFaults(language) {
  const faults = [];
  const root = document.documentElement;
  if (language !== null && root.lang !== language) faults.push(`the page says that it is in "${root.lang}"`);
  if (document.title.trim() === '') faults.push('no title');
  const headings = document.querySelectorAll('h1').length;
  if (headings !== 1) faults.push(`${headings} main headings`);
  if (document.querySelector('script') !== null) faults.push('a script');
  const { scrollWidth } = document.scrollingElement;
  if (scrollWidth > innerWidth) faults.push(`scrolls sideways: ${scrollWidth} px in ${innerWidth} px`);
  return faults;
}

/** Runs in the page: what is to be pressed and is smaller than 24 × 24 px, links inside a sentence excepted (WCAG 2.5.8). */
function smallTargets() {
  const inSentence = (element) =>
    getComputedStyle(element).display === 'inline' &&
    element.parentElement.textContent.trim().length > element.textContent.trim().length;
  const shown = (element) => {
    const style = getComputedStyle(element);
    const { width, height } = element.getBoundingClientRect();
    return style.visibility !== 'hidden' && width > 1 && height > 1;
  };
  return [...document.querySelectorAll('a[href], button, summary, select, input:not([type="hidden"])')]
    .map((element) => element.closest('label') ?? element)
    .filter((element) => shown(element) && !inSentence(element))
    .map((element) => [element, element.getBoundingClientRect()])
    .filter(([, box]) => box.width < 23.95 || box.height < 23.95)
    .map(([element, box]) => {
      const size = `${box.width.toFixed(1)} × ${box.height.toFixed(1)} px`;
      return `too small to press (${size}): <${element.localName}> ${element.textContent.trim().slice(0, 40)}`;
    });
}

async function axeFaults(page, options) {
  // Evaluated by the debugger, so that the page's own policy against scripts stays as it is.
  await page.evaluate(`window.axe === undefined && (() => { ${AXE} })()`);
  const run = { ...options, preload: false, resultTypes: ['violations'] };
  const violations = await page.evaluate(async (asked) => (await window.axe.run(document, asked)).violations, run);
  return violations.map(({ id, help, nodes }) => `axe ${id}: ${help}: ${nodes.map((node) => node.html.slice(0, 160)).join(' ; ')}`);
}

/** Where scripts are off, axe never ends (it waits for promises): only the plain checks are made, on the same HTML. */
export async function faults(page, { language, scripts }) {
  const plain = [...(await page.evaluate(plainFaults, language)), ...(await page.evaluate(smallTargets))];
  if (!scripts) return plain;
  const everything = { runOnly: { type: 'tag', values: RULES }, rules: { 'target-size': { enabled: true } } };
  return [...plain, ...(await axeFaults(page, everything))];
}

/** The colours alone: what changes with the colour scheme. */
export const colourFaults = (page) =>
  axeFaults(page, { runOnly: { type: 'rule', values: ['color-contrast', 'link-in-text-block'] } });
