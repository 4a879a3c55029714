drop table journal_sealed;
drop table journal_entries;
