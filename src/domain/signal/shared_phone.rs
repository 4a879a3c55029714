//! One phone number for many citizens: their own, or somebody's who answers for them.

use std::collections::BTreeMap;

use super::{Fact, Found, Rule, Thresholds};
use crate::domain::Instant;

/// The phone numbers that `recorded`, oldest first, says of so many citizens, if the day added one.
#[must_use]
pub fn shared_phones(recorded: &[Fact], begins: Instant, limits: &Thresholds) -> Vec<Found> {
    let mut of: BTreeMap<&str, Vec<(&str, Instant)>> = BTreeMap::new();
    for fact in recorded {
        if let (Some(phone), Some(citizen)) = (&fact.phone, &fact.citizen) {
            let known = of.entry(phone).or_default();
            if known.iter().all(|(other, _)| other != citizen) {
                known.push((citizen, fact.at));
            }
        }
    }
    let found = of.into_iter().filter_map(|(phone, citizens)| {
        let ((_, first), (_, last)) = (*citizens.first()?, *citizens.last()?);
        let times = u32::try_from(citizens.len()).unwrap_or(u32::MAX);
        let many = times >= limits.phone_citizens && last >= begins;
        many.then(|| Found { rule: Rule::SharedPhone, subject: phone.to_owned(), times, first, last })
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::domain::event::Kind;
    use crate::domain::samples::begin;

    /// So many days after the beginning, this number was written down for that citizen.
    fn said(day: i64, phone: &str, citizen: &str) -> Fact {
        let (phone, citizen) = (Some(phone.to_owned()), Some(citizen.to_owned()));
        let at = begin() + TimeDelta::days(day);
        Fact { kind: Kind::PhoneRecorded, at, actor: None, mandate: None, used: None, phone, citizen }
    }

    fn found(recorded: &[Fact], day: i64) -> Vec<(String, u32)> {
        let found = shared_phones(recorded, begin() + TimeDelta::days(day), &Thresholds::default());
        found.into_iter().map(|one| (one.subject, one.times)).collect()
    }

    #[test]
    fn one_number_for_three_people_is_a_question_on_the_day_that_adds_one() {
        let two = [said(0, "a", "josephine"), said(1, "a", "bernard"), said(1, "b", "lea")];
        assert_eq!(found(&two, 0), []);
        let three = [&two[..], &[said(2, "a", "lea")]].concat();
        assert_eq!(found(&three, 2), [("a".to_owned(), 3)]);
        assert_eq!(found(&three, 3), [], "nothing was added");
        let again = [&three[..], &[said(3, "a", "josephine")]].concat();
        assert_eq!(found(&again, 3), [], "nobody new");
        let four = [&again[..], &[said(4, "a", "awa")]].concat();
        assert_eq!(found(&four, 4), [("a".to_owned(), 4)]);
        let one = shared_phones(&three, begin(), &Thresholds::default()).remove(0);
        assert_eq!((one.first, one.last), (begin(), begin() + TimeDelta::days(2)));
    }
}
