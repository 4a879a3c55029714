// The main job, from the first page to the journal: as the mediator, the citizen and the auditor each do it.
import { readsTheJournal } from '../steps/auditing.mjs';
import { forgetsEverything, opensAMandate, printsTheDocument } from '../steps/opening.mjs';
import { findsAgain, findsNothingYet, stops } from '../steps/reading.mjs';
import { ANA, DENIS, signsIn, signsOut } from '../steps/signing_in.mjs';
import { actsFor, findsNobody, saysWhatCameOfIt, turnsBack } from '../steps/using.mjs';

/** People whose civil status goes wrong in real services; `born` as each language says it. */
const JOSEPHINE = { key: 'josephine', name: 'DUBOIS', search: 'DUBOIS', born: { fr: '14 mars 1956', en: '14 March 1956' } };
const LEILA = { key: 'leila', name: 'بن يوسف', search: 'يوسف', born: { fr: '9 mai 1971', en: '9 May 1971' } };
const GUILHEM = {
  key: 'guilhem',
  name: 'DE LA ROCHEFOUCAULD-MONTMORENCY-LAVAL',
  search: 'ROCHEFOUCAULD',
  born: { fr: '7 juillet 1937', en: '7 July 1937' },
};
const AWA = { key: 'awa', name: 'DIALLO', search: 'DIALLO', born: { fr: '1980', en: '1980' } };
const BERNARD = {
  key: 'bernard',
  name: 'O\'CONNOR-LE GOFF',
  search: 'CONNOR',
  born: { fr: '31 décembre 1949', en: '31 December 1949' },
};
const SAMI = { key: 'sami', name: 'HADDAD', search: 'HADDAD', born: { fr: 'novembre 1992', en: 'November 1992' } };

async function mainJob(arrives, { citizen: someone }) {
  const ana = await arrives();
  const citizen = { ...someone, born: someone.born[ana.way.language] };
  await ana.opens('/');
  await ana.looks('public-home');
  await signsIn(ana, ANA);
  await findsNothingYet(ana);
  await forgetsEverything(ana);
  const mandate = await opensAMandate(ana, ANA, citizen, ['famille', 'logement', 'argent'], 'day');
  await printsTheDocument(ana, citizen);
  await findsAgain(ana, citizen);
  await turnsBack(ana);
  await actsFor(ana, citizen, 'logement');
  await saysWhatCameOfIt(ana, citizen);
  await stops(ana, mandate);
  await findsNobody(ana);
  await ana.opens('/home');
  await signsOut(ana);
  await signsIn(ana, ANA);
  await ana.readsText('today_title', 'h1');
  const denis = await arrives();
  await readsTheJournal(denis, DENIS, citizen);
}

const way = (language, width, hand, more = {}) => ({ language, width, hand, scripts: true, dark: false, ...more });

export const mainJobs = [
  { way: way('fr', 1280, 'mouse', { dark: true }), citizen: JOSEPHINE },
  { way: way('en', 320, 'mouse'), citizen: LEILA },
  { way: way('fr', 320, 'keyboard'), citizen: GUILHEM },
  { way: way('en', 1280, 'keyboard'), citizen: AWA },
  { way: way('fr', 320, 'mouse', { scripts: false }), citizen: BERNARD },
  { way: way('en', 1280, 'keyboard', { scripts: false }), citizen: SAMI },
].map(({ way: chosen, citizen }) => {
  const scripts = chosen.scripts ? '' : '-without-javascript';
  return {
    name: `main-job-${chosen.language}-${chosen.width}-${chosen.hand}${scripts}`,
    way: chosen,
    tell: (arrives) => mainJob(arrives, { citizen }),
  };
});
