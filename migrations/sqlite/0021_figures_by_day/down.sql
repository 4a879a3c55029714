drop index journal_days_by_day;
