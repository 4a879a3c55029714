// The auditor: a purpose, then the journal, without anybody's name.
import { signsIn, signsOut } from './signing_in.mjs';

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
