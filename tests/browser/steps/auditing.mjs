// The auditor: a purpose, then the journal, without anybody's name.
import { signsIn, signsOut } from './signing_in.mjs';

/** The questions, the signals, the findings and the inquiries. */
async function asksQuestions(person, citizen) {
  await person.presses('main a[href^="/journal/activity?of=cit_"]');
  await person.readsText('activity_uses');
  await person.readsNothingOf(citizen.search);
  await person.looks('activity');
  await person.writes('of', 'nobody in particular');
  await person.pressesButton('activity_show', 422);
  await person.looks('activity-error');
  await person.follows('audit_tab_signals');
  await person.readsText('signals_none');
  await person.looks('signals');
  await person.follows('audit_tab_findings');
  await person.pressesButton('finding_sign', 422);
  await person.followsTheFirstError();
  await person.looks('findings-error');
  await person.follows('audit_tab_inquiries');
  await person.looks('inquiries');
  await person.pressesButton('inquiry_submit', 422);
  await person.looks('inquiries-error');
  await person.writes('citizen', await citizenOf(person));
  await person.ticks('ground', 'complaint');
  await person.writes('reason', 'Réclamation reçue le 12 novembre');
  await person.pressesButton('inquiry_submit');
  await person.readsText('inquiry_waiting');
  await person.looks('inquiry');
}

/** The pseudonym of whoever was acted for: it is on the page of a use, never the name. */
async function citizenOf(person) {
  const address = person.here;
  await person.opens('/journal?kind=use');
  await person.presses('tbody a');
  const link = await person.attribute('main a[href^="/journal?citizen="]', 'href');
  await person.opens(address);
  return link.split('=')[1];
}

/** Reads everything once. `citizen` was acted for, and must not be named. */
export async function readsTheJournal(person, email, citizen) {
  await signsIn(person, email);
  await person.readsText('purpose_title', 'h1');
  await person.looks('purpose');
  await person.pressesButton('purpose_submit', 422);
  await person.looks('purpose-error');
  await person.followsTheFirstError();
  await person.writes('purpose', 'Contrôle trimestriel des utilisations');
  await person.pressesButton('purpose_submit');
  await person.readsText('kind_use', 'table');
  await person.readsNothingOf(citizen.search);
  await person.looks('journal');
  await person.chooses('kind', 'use');
  await person.pressesButton('journal_apply');
  const lines = await person.counts('tbody tr');
  if (lines !== 1) throw new Error(`${lines} uses in the journal instead of 1`);
  await person.looks('journal-filtered');
  await person.presses('tbody a');
  await person.readsText('entry_canonical');
  await person.readsNothingOf(citizen.search);
  await person.looks('entry');
  await person.presses('main a[href^="/journal/mandates/"]');
  await person.readsText('timeline_title', 'h1');
  await person.readsNothingOf(citizen.search);
  await person.looks('timeline');
  await asksQuestions(person, citizen);
  await person.opens('/journal?kind=use');
  await person.presses('tbody a');
  await person.follows('entry_back');
  await person.writes('mandate', 'mdt_of_nobody');
  await person.pressesButton('journal_apply', 422);
  await person.looks('journal-filter-error');
  await person.opens('/journal?from=2000-01-01&to=2000-01-02');
  await person.readsText('journal_none');
  await person.looks('journal-empty');
  await person.opens('/mandates/new', 403);
  await person.looks('forbidden');
  await person.opens('/journal');
  await signsOut(person);
}
