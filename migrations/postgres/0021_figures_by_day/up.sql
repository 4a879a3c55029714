-- Whoever verifies the figures looks at all of one day.
create index journal_days_by_day on journal_days (day);
