// Using a mandate at the pretend public service, and saying what came of it.
/** From the public service, through FranceConnect, to the choice of a person. */
export async function comesFromTheService(person) {
  await person.opens('/demo');
  await person.looks('demo');
  await person.follows('demo_service');
  await person.looks('service');
  await person.presses('form[action$="/sign-in"] button');
  await person.looks('franceconnect-professional');
  await person.presses('form[action$="/mandataire"] button');
  await person.readsText('provider_citizen_title', 'h1');
}

/** Turns back: the service is told that access was denied. */
export async function turnsBack(person) {
  await comesFromTheService(person);
  await person.looks('choose-person');
  await person.pressesButton('provider_cancel');
  await person.presses('form[action$="/cancellation"] button');
  await person.reads('access_denied');
  await person.looks('turned-back');
}

/** Acts for the citizen, having forgotten to choose the procedure at first. */
export async function actsFor(person, citizen, procedure) {
  await comesFromTheService(person);
  await person.writes('q', 'zzz');
  await person.pressesButton('search');
  await person.readsText('citizens_none_found');
  await person.looks('choose-person-none');
  await person.writes('q', citizen.search);
  await person.pressesButton('search');
  await person.presses('main .links a');
  await person.reads(citizen.name, '.identity');
  await person.looks('choose-procedure');
  await person.pressesButton('provider_procedure_submit', 422);
  await person.readsText('provider_procedure_needed', '#errors');
  await person.looks('choose-procedure-error');
  await person.followsTheFirstError();
  await person.ticks('procedure', procedure);
  await person.pressesButton('provider_procedure_submit');
  await person.reads(citizen.name);
  await person.looks('franceconnect-by-mandate');
  await person.presses('form[action$="/consent"] button');
  await person.reads(citizen.name, 'h1');
  await person.looks('service-signed-in');
  await person.presses('form[action$="/sign-out"] button');
  await person.looks('service-signed-out');
}

/** Nobody is left to act for. */
export async function findsNobody(person) {
  await comesFromTheService(person);
  await person.readsText('provider_citizens_none');
  await person.looks('choose-person-empty');
}

/** One tap at the desk: what came of the use. */
export async function saysWhatCameOfIt(person, citizen) {
  await person.opens('/home');
  await person.reads(citizen.name);
  await person.looks('today');
  await person.pressesButton('today_done');
  await person.readsText('today_uses_none');
  await person.looks('today-answered');
}
