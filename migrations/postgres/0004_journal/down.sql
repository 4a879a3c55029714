drop table journal_sealed;
drop table journal_entries;
drop function journal_is_append_only();
