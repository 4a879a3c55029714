-- Each checkpoint names the one before it: one that is taken out is missed.
alter table journal_checkpoints add column previous bigint not null default 0;
alter table journal_checkpoints disable trigger journal_checkpoints_append_only;
update journal_checkpoints set previous =
    coalesce((select max(before.size) from journal_checkpoints as before where before.size < journal_checkpoints.size), 0);
alter table journal_checkpoints enable trigger journal_checkpoints_append_only;
