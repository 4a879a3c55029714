-- Timestamps of an authority (RFC 3161): its reply, byte for byte, about the note of a checkpoint.
create table journal_timestamps (
    size bigint primary key not null references journal_checkpoints (size),
    at timestamp(6) not null,
    reply bytea not null
);
-- How far one witness is.
create index journal_cosignatures_by_witness on journal_cosignatures (witness, size);

create trigger journal_timestamps_append_only before update or delete or truncate on journal_timestamps
for each statement execute function journal_is_append_only();
