// A mediator's first day: the link, the authenticator, the recovery codes, the terms of use.
import { Authenticator } from '../../peers/authenticator.mjs';
import { Service } from '../service.mjs';

const EMAIL = 'nadia.fournier@vaubrun.example.fr';

async function firstSignIn(arrives, service) {
  const { id } = await service.admin.organisation('Maison des services de Vaubrun', '12345678200010');
  await service.admin.mediator(id, EMAIL, 'Nadia Fournier');
  const nadia = await arrives();
  await nadia.opens('/sign-in');
  await nadia.writes('email', EMAIL);
  await nadia.pressesButton('sign_in_submit');
  await nadia.looks('sign-in-sent');
  const { text } = await service.mails.next(EMAIL);
  await nadia.opens(/https?:\S+\/sign-in\/link\S+/.exec(text)[0]);
  await nadia.readsText('link_lead_first');
  await nadia.looks('first-link');
  await nadia.pressesButton('link_submit');
  await nadia.readsText('enrolment_title', 'h1');
  await nadia.looks('enrolment');
  const secret = await nadia.attribute('[data-secret]', 'data-secret');
  await nadia.pressesButton('enrolment_submit', 422);
  await nadia.looks('enrolment-error');
  await nadia.followsTheFirstError();
  await nadia.writes('code', await new Authenticator(secret).code());
  await nadia.pressesButton('enrolment_submit');
  await nadia.readsText('recovery_title', 'h1');
  if ((await nadia.counts('.codes li')) !== 10) throw new Error('not ten recovery codes');
  await nadia.looks('recovery-codes');
  await nadia.follows('recovery_continue');
  await nadia.looks('terms');
  await nadia.pressesButton('terms_submit', 422);
  await nadia.looks('terms-error');
  await nadia.ticks('accept');
  await nadia.pressesButton('terms_submit');
  await nadia.readsText('today_title', 'h1');
  await nadia.looks('first-day');
}

const way = (language, width, hand) => ({ language, width, hand, scripts: true, dark: true });

export const firstSignIns = [way('fr', 320, 'mouse'), way('en', 1280, 'keyboard')].map((chosen) => ({
  name: `first-sign-in-${chosen.language}-${chosen.width}-${chosen.hand}`,
  way: chosen,
  place: Service,
  tell: firstSignIn,
}));
