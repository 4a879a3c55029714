// Openings that end otherwise: a minor, a person who says no, the wrong person, a mandate that replaces another.
import { agrees, asksFor, confirms, identifies } from '../steps/opening.mjs';
import { BRUNO, signsIn } from '../steps/signing_in.mjs';

const ANH = { key: 'anh', name: 'D’ALMEIDA & FILS', search: 'ALMEIDA' };
const PAUL = { key: 'paul', name: 'HOARAU', search: 'HOARAU' };

async function refusals(arrives) {
  const bruno = await arrives();
  await signsIn(bruno, BRUNO);
  await asksFor(bruno, ['social'], 'month');
  await bruno.presses('form[action$="/cancellation"] button');
  await bruno.readsText('franceconnect_abandoned');
  await bruno.looks('abandoned');
  await asksFor(bruno, ['social'], 'month');
  await bruno.presses('button[value="lucie"]');
  await bruno.presses('form[action$="/consent"] button', 422);
  await bruno.readsText('refusal_minor');
  await bruno.looks('minor');
  await asksFor(bruno, ['social'], 'month');
  await identifies(bruno, ANH);
  await bruno.pressesButton('agreement_refuse');
  await bruno.readsText('refused_title', 'h1');
  await bruno.looks('person-refuses');
  await bruno.follows('refused_back');
  await asksFor(bruno, ['social'], 'present');
  await identifies(bruno, ANH);
  await agrees(bruno);
  await bruno.pressesButton('recap_not');
  await bruno.looks('not-that-person');
}

/** The mediator of two organisations changes, opens a mandate there, and opens it again: the first is replaced. */
async function replaces(arrives) {
  const bruno = await arrives();
  await signsIn(bruno, BRUNO);
  await bruno.looks('today-of-two-organisations');
  await bruno.unfolds('shell_switch_organisation');
  await bruno.looks('organisations');
  await bruno.reads('Saint-Benoît', '.organisation strong');
  const other = await bruno.attribute('select[name="organisation"] option:not([selected])', 'value');
  await bruno.chooses('organisation', other);
  await bruno.pressesButton('shell_switch');
  await bruno.reads('Houdan', '.organisation strong');
  for (const times of ['first', 'second']) {
    await asksFor(bruno, ['social', 'papiers', 'justice'], 'month');
    await identifies(bruno, PAUL);
    await agrees(bruno);
    if (times === 'second') {
      await bruno.readsText('recap_replaced');
      await bruno.looks('recap-replacing');
    }
    await confirms(bruno, BRUNO, PAUL);
  }
  await bruno.follows('mandate_back');
  await bruno.readsText('badge_replaced');
  await bruno.looks('person-with-two-mandates');
}

const way = (language, width, more = {}) => ({ language, width, hand: 'mouse', scripts: true, dark: false, ...more });

export const refusalStories = [
  { name: 'replaces-fr-1280-forced-colours', way: way('fr', 1280, { forcedColors: true }), tell: replaces },
  { name: 'refusals-fr-320', way: way('fr', 320), tell: refusals },
  { name: 'refusals-en-1280', way: way('en', 1280, { dark: true }), tell: refusals },
];
