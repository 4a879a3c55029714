// The citizens whom the FranceConnect stand-in knows: one for each shape of civil status that has broken a service before.
// The values are what FranceConnect (low) answers: the corrected `birthdate`, and in `idp_birthdate` the one first sent.
import { createHash } from 'node:crypto';

const FRANCE = '99100';

const PEOPLE = [
  {
    key: 'plain',
    given_name: 'Camille Jeanne Lucie',
    family_name: 'MOREAU',
    preferred_username: "D'ALENÇON-PETIT",
    birthdate: '1962-08-24',
    gender: 'female',
    birthplace: '75107',
    birthcountry: FRANCE,
  },
  {
    // Only the year is known: FranceConnect fills the unknown parts with 01 in `birthdate`.
    key: 'presumed-born',
    given_name: 'Amadou',
    family_name: 'DIALLO',
    birthdate: '1980-01-01',
    idp_birthdate: '1980-00-00',
    gender: 'male',
    birthplace: '97411',
    birthcountry: FRANCE,
  },
  {
    key: 'born-abroad',
    given_name: 'Zoë Ngọc',
    family_name: 'NGUYỄN',
    birthdate: '1975-02-28',
    gender: 'female',
    birthplace: '',
    birthcountry: '99243',
  },
  {
    key: 'corsica',
    given_name: 'Ghjuvan Petru',
    family_name: 'COLONNA D’ISTRIA',
    birthdate: '1950-12-31',
    gender: 'male',
    birthplace: '2A004',
    birthcountry: FRANCE,
  },
  {
    key: 'unspecified',
    given_name: 'Dominique',
    family_name: 'LE GOFF',
    birthdate: '1992-11-01',
    idp_birthdate: '1992-11-00',
    gender: 'unspecified',
    birthplace: '29019',
    birthcountry: FRANCE,
  },
  {
    // 256 characters, the most that FranceConnect passes on.
    key: 'long-name',
    given_name: 'Marie-Éléonore '.repeat(18).slice(0, 256),
    family_name: "L'HÉRITIER-VANDENBROUCKE ".repeat(11).slice(0, 256).replace(/ $/, 'X'),
    birthdate: '1948-02-29',
    gender: 'female',
    birthplace: '59350',
    birthcountry: FRANCE,
  },
  {
    key: 'right-to-left',
    given_name: 'عبد الرحمن',
    family_name: 'بن عيسى',
    birthdate: '1969-07-03',
    gender: 'male',
    birthplace: '',
    birthcountry: '99352',
  },
  {
    key: 'minor',
    given_name: 'Noé',
    family_name: 'BERNARD',
    birthdate: `${new Date().getUTCFullYear() - 10}-06-15`,
    gender: 'male',
    birthplace: '13055',
    birthcountry: FRANCE,
  },
];

/** Like FranceConnect: 64 hexadecimal digits and `v1`, derived from the civil status. */
function subject(person) {
  const { given_name, family_name, birthdate, gender, birthplace, birthcountry } = person;
  const status = JSON.stringify([given_name, family_name, birthdate, gender, birthplace, birthcountry]);
  return `${createHash('sha256').update(status).digest('hex')}v1`;
}

/** All test citizens, by key: their claims as FranceConnect answers them. */
export const citizens = new Map(
  PEOPLE.map(({ key, ...person }) => [
    key,
    {
      ...person,
      sub: subject(person),
      given_name_array: person.given_name.split(' '),
      idp_birthdate: person.idp_birthdate ?? person.birthdate,
      email: `${key}@citizens.example.fr`,
    },
  ]),
);

/** What must come out at the other end: the identity FranceConnect gave, with the birthdate as first sent. */
export function identityToReplay({ given_name, family_name, preferred_username, idp_birthdate, ...person }) {
  const { gender, birthplace, birthcountry, email } = person;
  const identity = { given_name, family_name, birthdate: idp_birthdate, gender, birthplace, birthcountry, email };
  return preferred_username === undefined ? identity : { ...identity, preferred_username };
}
