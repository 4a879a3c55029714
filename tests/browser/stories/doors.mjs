// Pages for everybody, and doors that stay closed: unknown, forbidden, refused, malformed.
import { opensAMandate } from '../steps/opening.mjs';
import { ANA, CLAIRE, isRefused, signsIn } from '../steps/signing_in.mjs';

const NOBODY = '01J00000000000000000000000';

/** The language can be changed on a page, and changed back. */
async function changesTheLanguage(person) {
  const other = person.way.language === 'fr' ? 'en' : 'fr';
  await person.opens('/privacy');
  await person.pressesButton('shell_other_language');
  if ((await person.attribute('html', 'lang')) !== other) throw new Error('the language stays');
  await person.presses('form[action="/language"] button');
  await person.readsText('privacy_title', 'h1');
}

async function doors(arrives) {
  const visitor = await arrives();
  for (const [path, name] of [
    ['/', 'public-home'],
    ['/privacy', 'privacy'],
    ['/accessibility', 'accessibility'],
    ['/demo', 'demo'],
    ['/demo/codes', 'codes'],
  ]) {
    await visitor.opens(path);
    await visitor.looks(name);
  }
  await changesTheLanguage(visitor);
  await visitor.opens('/nothing-here', 404);
  await visitor.readsText('problem_404_title', 'h1');
  await visitor.looks('not-found');
  await visitor.opens('/authorize?client_id=nobody', 400);
  await visitor.readsText('provider_error_title', 'h1');
  await visitor.looks('service-refused');
  await visitor.opens(`/agreements/${'a'.repeat(43)}`, 404);
  await visitor.looks('agreement-of-nobody');
  await isRefused(visitor, ANA);
  await signsIn(visitor, ANA);
  await visitor.opens('/journal', 403);
  await visitor.looks('forbidden');
  await visitor.opens(`/mandates/mdt_${NOBODY}`, 404);
  await visitor.looks('mandate-of-nobody');
  await visitor.opens(`/provider/flw_${NOBODY}`, 404);
  await visitor.looks('flow-of-nobody');
  await visitor.opens('/sign-out');
  await visitor.looks('sign-out');
  await visitor.opens('/code');
  await visitor.looks('code');
  await visitor.pressesButton('step_up_submit', 422);
  await visitor.looks('code-error');
}

/** A manager reads and ends mandates, and opens none. */
async function manager(arrives) {
  const josephine = { key: 'josephine', name: 'DUBOIS', search: 'DUBOIS' };
  const ana = await arrives();
  await signsIn(ana, ANA);
  const mandate = await opensAMandate(ana, ANA, josephine, ['transports'], 'year');
  const claire = await arrives();
  await signsIn(claire, CLAIRE);
  await claire.looks('manager-home');
  await claire.follows('shell_signals');
  await claire.readsText('own_signals_none');
  await claire.looks('manager-signals');
  await claire.opens('/mandates/new', 403);
  await claire.looks('manager-may-not-open');
  await claire.opens(mandate);
  await claire.looks('manager-mandate');
  await claire.presses('main a.danger');
  await claire.ticks('reason', 'mistake');
  await claire.pressesButton('revocation_submit');
  await claire.looks('manager-mandate-stopped');
}

const way = (language, width, more = {}) => ({ language, width, hand: 'mouse', scripts: true, dark: false, ...more });

export const doorStories = [
  { name: 'doors-fr-320', way: way('fr', 320, { dark: true }), tell: doors },
  { name: 'doors-en-1280', way: way('en', 1280), tell: doors },
  { name: 'manager-fr-1280-keyboard', way: way('fr', 1280, { hand: 'keyboard' }), tell: manager },
];
