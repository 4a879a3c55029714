// Signing in by a mailed link and a code, and leaving.
import { wait } from '../demo.mjs';

export const ANA = 'ana.silva@houdan.example.fr';
export const BRUNO = 'bruno.hoarau@saint-benoit.example.fr';
export const CLAIRE = 'claire.petit@houdan.example.fr';
export const DENIS = 'denis.roux@audit.example.fr';

/** The newest mail comes within a moment; until then people look again. */
async function opensTheMail(person) {
  const link = 'main a[href*="/sign-in/link"]';
  await person.opens('/demo/mails');
  for (let times = 0; (await person.counts(link)) === 0; times += 1) {
    if (times > 20) throw new Error('no mail came');
    await wait(250);
    await person.follows('demo_refresh');
  }
  await person.looks('mails');
  await person.presses(link);
}

/** From the sign-in page to the page with the code. */
export async function asksForALink(person, email) {
  await person.opens('/sign-in');
  await person.looks('sign-in');
  await person.writes('email', email);
  await person.pressesButton('sign_in_submit');
  await person.readsText('sent_same_browser');
  await person.looks('sign-in-sent');
  await opensTheMail(person);
  await person.readsText('link_title', 'h1');
  await person.looks('sign-in-code');
}

export async function signsIn(person, email) {
  await asksForALink(person, email);
  await person.writes('code', await person.demo.code(email));
  await person.pressesButton('link_submit');
}

export async function signsOut(person) {
  await person.pressesButton('shell_sign_out');
  await person.readsText('home_title', 'h1');
  await person.opens('/citizens');
  await person.readsText('sign_in_title', 'h1');
}

/** What a sign-in refuses: no address, a wrong code, a link of nobody. */
export async function isRefused(person, email) {
  await person.opens('/sign-in');
  await person.pressesButton('sign_in_submit', 422);
  await person.looks('sign-in-error');
  await person.followsTheFirstError();
  await asksForALink(person, email);
  await person.writes('code', '000000');
  await person.pressesButton('link_submit', 422);
  await person.readsText('refusal_sign_in_failed');
  await person.looks('sign-in-refused');
}
