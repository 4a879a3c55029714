//! Activity as bars, and the same figures as a table.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};

use crate::domain::civil;
use crate::domain::event::Kind;
use crate::store::audit::Tally;
use crate::web::texts::Texts;

/// Most bars beside one another.
const BARS: usize = 130;

/// What one bar stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A day.
    Day,
    /// A week, from Monday.
    Week,
    /// A month.
    Month,
}

impl Step {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// The code in addresses.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// This step, or the next larger one that gives not too many bars.
    #[must_use]
    pub fn that_fits(self, first: i32, last: i32) -> Self {
        let fits = |step: &Self| *step >= self && step.beginnings(first, last).len() <= BARS;
        Self::ALL.into_iter().find(fits).unwrap_or(Self::Month)
    }

    fn beginning(self, date: NaiveDate) -> NaiveDate {
        match self {
            Self::Day => date,
            Self::Week => date - chrono::TimeDelta::days(date.weekday().num_days_from_monday().into()),
            Self::Month => date.with_day(1).unwrap_or(date),
        }
    }

    /// The beginnings of the steps from a day to another.
    fn beginnings(self, first: i32, last: i32) -> Vec<NaiveDate> {
        let mut all: Vec<_> = (first..=last).map(|day| self.beginning(civil::date(day))).collect();
        all.dedup();
        all
    }
}

/// A bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bar {
    /// Where it stands.
    pub x: usize,
    /// Where it begins, from above.
    pub y: u64,
    /// How high it is, of 100.
    pub height: u64,
}

/// One kind of figure.
#[derive(Debug, Clone)]
pub struct Series {
    /// Its name.
    pub name: &'static str,
    /// Its bars.
    pub bars: Vec<Bar>,
    /// The sum.
    pub total: u64,
    /// The highest.
    pub most: u64,
}

/// A line of the table.
#[derive(Debug, Clone)]
pub struct Row {
    /// The day, week or month.
    pub name: String,
    /// A figure for each series.
    pub counts: Vec<u64>,
}

/// A chart of several series, and their table.
#[derive(Debug, Clone, Default)]
pub struct Chart {
    /// The series.
    pub series: Vec<Series>,
    /// The lines of the table; none if nothing happened.
    pub rows: Vec<Row>,
    bars: usize,
}

impl Chart {
    /// How wide the bars are together.
    #[must_use]
    pub fn width(&self) -> usize {
        self.bars.max(1) * 10
    }

    /// The cells of a line, each with the name of its column.
    #[must_use]
    pub fn cells(&self, row: &Row) -> Vec<(&'static str, u64)> {
        self.series.iter().map(|series| series.name).zip(row.counts.iter().copied()).collect()
    }

    /// The chart of some days. Steps in which nothing happened have no line in the table.
    #[must_use]
    pub fn of(tallies: &[Tally], first: i32, last: i32, step: Step, t: &Texts) -> Self {
        let beginnings = step.beginnings(first, last);
        let names = [t.chart_all(), t.chart_opened(), t.chart_used(), t.chart_refused()];
        let mut sums: BTreeMap<NaiveDate, [u64; 4]> = BTreeMap::new();
        for tally in tallies {
            let sum = sums.entry(step.beginning(civil::date(tally.day))).or_default();
            for (total, counts) in sum.iter_mut().zip(counted_in(tally.kind)) {
                *total += if counts { tally.entries } else { 0 };
            }
        }
        let at = |date: &NaiveDate| sums.get(date).copied().unwrap_or_default();
        let series = names.iter().enumerate().map(|(column, name)| {
            let values: Vec<u64> = beginnings.iter().filter_map(|date| at(date).get(column).copied()).collect();
            let most = values.iter().copied().max().unwrap_or(0);
            // A figure that is not zero is seen.
            let height = |value: u64| if value == 0 { 0 } else { (value * 100 / most.max(1)).max(1) };
            let bar = |(place, value): (usize, &u64)| Bar {
                x: place * 10 + 1,
                y: 100 - height(*value),
                height: height(*value),
            };
            let bars = values.iter().enumerate().filter(|(_, value)| **value > 0).map(bar).collect();
            Series { name, bars, total: values.iter().sum(), most }
        });
        let rows = beginnings.iter().filter(|date| at(date)[0] > 0);
        let rows = rows.map(|date| Row { name: name(*date, step, t), counts: at(date).to_vec() });
        Self { series: series.collect(), rows: rows.collect(), bars: beginnings.len() }
    }
}

/// In which series a kind counts: everything, openings, uses, refusals.
fn counted_in(kind: Kind) -> [bool; 4] {
    let refused = matches!(
        kind,
        Kind::SignInRefused
            | Kind::CodeRefused
            | Kind::IdentificationRefused
            | Kind::AgreementRefused
            | Kind::OpeningRefused
            | Kind::RevocationRefused
            | Kind::UseRefused
            | Kind::ActRefused
            | Kind::SecurityRefused
    );
    [true, kind == Kind::MandateOpened, kind == Kind::Use, refused]
}

fn name(date: NaiveDate, step: Step, t: &Texts) -> String {
    match step {
        Step::Day => date.to_string(),
        Step::Week => t.chart_week(date),
        Step::Month => date.format("%Y-%m").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::texts::{Language, texts};

    fn number(text: &str) -> i32 {
        civil::number(text.parse().unwrap())
    }

    #[test]
    fn bars_and_table_say_the_same() {
        let tally = |day: &str, kind, entries| Tally { day: number(day), kind, entries };
        let tallies = [
            tally("2026-11-20", Kind::Use, 3),
            tally("2026-11-20", Kind::UseRefused, 1),
            tally("2026-11-23", Kind::MandateOpened, 400),
        ];
        let of = |step| Chart::of(&tallies, number("2026-11-01"), number("2026-11-30"), step, texts(Language::En));
        let days = of(Step::Day);
        assert_eq!(
            days.series.iter().map(|one| (one.total, one.most)).collect::<Vec<_>>(),
            [(404, 400), (400, 400), (3, 3), (1, 1)]
        );
        assert_eq!(
            days.rows.iter().map(|row| row.counts.clone()).collect::<Vec<_>>(),
            [[4, 0, 3, 1], [400, 400, 0, 0]]
        );
        assert_eq!(days.series[0].bars, [Bar { x: 191, y: 99, height: 1 }, Bar { x: 221, y: 0, height: 100 }]);
        assert_eq!((days.width(), of(Step::Week).rows.len(), of(Step::Month).rows.len()), (300, 2, 1));
        assert_eq!(of(Step::Month).rows[0].name, "2026-11");
        assert!(of(Step::Week).rows[0].name.contains("2026-11-16"), "a week begins on Monday");
    }

    #[test]
    fn a_long_period_has_larger_steps() {
        let (first, last) = (number("2024-01-01"), number("2026-11-30"));
        assert_eq!(Step::Day.that_fits(first, last), Step::Month);
        assert_eq!(Step::Day.that_fits(last - 100, last), Step::Day);
        assert_eq!(Step::Week.that_fits(last, last), Step::Week);
        assert_eq!(Step::Day.that_fits(last - 200, last), Step::Week);
    }
}
