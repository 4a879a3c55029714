-- Each checkpoint names the one before it: one that is taken out is missed.
alter table journal_checkpoints add column previous bigint not null default 0;
drop trigger journal_checkpoints_no_update;
update journal_checkpoints set previous =
    coalesce((select max(before.size) from journal_checkpoints as before where before.size < journal_checkpoints.size), 0);
create trigger journal_checkpoints_no_update before update on journal_checkpoints
begin select raise(abort, 'the journal is append-only'); end;
