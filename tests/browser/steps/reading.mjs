// The lists and pages of the counter, and stopping a mandate.
/** A new organisation's lists: nothing yet, and that is said. */
export async function findsNothingYet(person) {
  await person.readsText('today_title', 'h1');
  await person.skipsToTheContent();
  await person.looks('today-empty');
  await person.follows('shell_citizens');
  await person.readsText('citizens_none_active');
  await person.looks('people-empty');
  await person.follows('citizens_ended');
  await person.readsText('citizens_none_ended');
  await person.looks('people-ended-empty');
}

/** Looks the citizen up, from the list to their page. */
export async function findsAgain(person, citizen) {
  await person.follows('shell_citizens');
  await person.looks('people');
  await person.writes('q', 'x');
  await person.pressesButton('search');
  await person.readsText('search_too_short');
  await person.looks('people-too-short');
  await person.writes('q', 'zzz');
  await person.pressesButton('search');
  await person.readsText('citizens_none_found');
  await person.looks('people-none-found');
  await person.writes('q', citizen.search);
  await person.pressesButton('search');
  await person.presses('main table a');
  await person.reads(citizen.name, 'h1');
  await person.reads(citizen.born);
  await person.looks('person');
  await person.writes('phone', 'demain');
  await person.pressesButton('phone_save', 422);
  await person.followsTheFirstError();
  await person.looks('person-phone-error');
  await person.writes('phone', '06 12 34 56 78');
  await person.pressesButton('phone_save');
  await person.looks('person-phone');
}

/** Stops one procedure, then the rest; each time having forgotten the reason at first. */
export async function stops(person, mandate) {
  await person.opens(mandate);
  await person.looks('mandate-used');
  await person.presses('main a[href*="/revocation?procedure="]');
  await person.looks('stop-procedure');
  await person.pressesButton('revocation_submit', 422);
  await person.readsText('refusal_no_reason');
  await person.looks('stop-error');
  await person.followsTheFirstError();
  await person.ticks('reason', 'procedure_done');
  await person.pressesButton('revocation_submit');
  await person.readsText('badge_revoked');
  await person.looks('mandate-partly-stopped');
  await person.presses('main a.danger');
  await person.looks('stop-mandate');
  await person.ticks('reason', 'citizen_asked');
  await person.pressesButton('revocation_submit');
  if ((await person.counts('main a.danger')) !== 0) throw new Error('a stopped mandate can still be stopped');
  await person.looks('mandate-stopped');
  await person.follows('shell_citizens');
  await person.follows('citizens_ended');
  await person.looks('people-ended');
}
