-- Timestamps of an authority (RFC 3161): its reply, byte for byte, about the note of a checkpoint.
create table journal_timestamps (
    size bigint primary key not null references journal_checkpoints (size),
    at timestamp not null,
    reply blob not null
) without rowid;
-- How far one witness is.
create index journal_cosignatures_by_witness on journal_cosignatures (witness, size);

create trigger journal_timestamps_no_update before update on journal_timestamps
begin select raise(abort, 'the journal is append-only'); end;
create trigger journal_timestamps_no_delete before delete on journal_timestamps
begin select raise(abort, 'the journal is append-only'); end;
create trigger journal_timestamps_no_replace before insert on journal_timestamps
when exists (select 1 from journal_timestamps where size = new.size)
begin select raise(abort, 'the journal is append-only'); end;
