// Opening a mandate: the mediator's form, the person at the pretend FranceConnect, their agreement, the last look.
/** Fills in the form and goes to FranceConnect. */
export async function asksFor(person, procedures, term) {
  await person.follows('shell_open');
  await person.looks('opening');
  for (const procedure of procedures) await person.ticks('procedures', procedure);
  await person.ticks('term', term);
  await person.pressesButton('opening_submit', 200, { provider: 'FranceConnect' });
  await person.looks('franceconnect-people');
}

/** The citizen signs in at the pretend FranceConnect and comes to the screen of their own. */
export async function identifies(person, citizen) {
  await person.presses(`button[value="${citizen.key}"]`);
  await person.looks('franceconnect-consent');
  await person.presses('form[action$="/consent"] button');
  await person.readsText('agreement_for_you');
  await person.reads(citizen.name);
  await person.looks('agreement');
}

/** The citizen agrees, having forgotten the declaration at first. */
export async function agrees(person) {
  await person.pressesButton('agreement_agree', 422);
  await person.looks('agreement-error');
  await person.followsTheFirstError();
  await person.ticks('unprotected');
  await person.pressesButton('agreement_agree');
  await person.readsText('recap_title', 'h1');
  await person.looks('recap');
}

/** The mediator confirms: first with nothing, then with a code that is wrong, then as it should be. */
export async function confirms(person, email, citizen) {
  await person.pressesButton('recap_submit', 422);
  await person.looks('recap-errors');
  await person.followsTheFirstError();
  await person.reads(citizen.name, '.identity');
  await person.ticks('in_front');
  await person.ticks('informed');
  await person.writes('code', '000000');
  await person.pressesButton('recap_submit', 422);
  await person.readsText('refusal_code_refused');
  await person.looks('recap-code-refused');
  await person.writes('code', await person.demo.code(email));
  await person.pressesButton('recap_submit');
  await person.reads(citizen.name, 'h1');
  await person.looks('mandate');
  return person.path;
}

/** The whole opening. Returns the path of the mandate. */
export async function opensAMandate(person, email, citizen, procedures, term) {
  await asksFor(person, procedures, term);
  await identifies(person, citizen);
  await agrees(person);
  return confirms(person, email, citizen);
}

/** The form sent empty says what is missing, beside each field and at the top. */
export async function forgetsEverything(person) {
  await person.follows('shell_open');
  await person.pressesButton('opening_submit', 422, { provider: 'FranceConnect' });
  await person.readsText('refusal_no_procedure');
  await person.readsText('refusal_no_term');
  await person.looks('opening-errors');
  await person.followsTheFirstError();
}

/** The mandate to sign, on the screen and on paper. */
export async function printsTheDocument(person, citizen) {
  await person.follows('mandate_document');
  await person.reads(citizen.name);
  await person.looks('document');
  const pdf = await person.prints('mandate');
  const pages = pdf.toString('latin1').match(/\/Type\s*\/Page\b/g)?.length ?? 0;
  if (pages < 1 || pages > 2) throw new Error(`the mandate takes ${pages} pages of paper`);
  await person.follows('document_back');
}
