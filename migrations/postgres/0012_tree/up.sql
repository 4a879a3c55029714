-- Entries that have no position yet. Filled by a trigger: whatever writes an entry writes this in the same transaction, and it costs no
-- journey to the server. A row goes when its entry gets a position.
create table journal_pending (entry text collate "C" primary key not null);
create function journal_is_pending() returns trigger language plpgsql as $$
begin
    insert into journal_pending (entry) values (new.id);
    return null;
end
$$;
create trigger journal_entries_pending after insert on journal_entries for each row execute function journal_is_pending();
insert into journal_pending (entry) select id from journal_entries;

-- The place of an entry in the tree: 0, 1, 2, … without gaps.
create table journal_positions (
    position bigint primary key not null check (position >= 0),
    entry text collate "C" not null unique references journal_entries (id)
);

-- Full tiles of 256 hashes; those at the right edge follow from the rows below them. The root is that over the tile.
create table journal_tiles (
    level integer not null,
    number bigint not null,
    root bytea not null,
    hashes bytea not null,
    primary key (level, number)
);

-- What was signed, and by whom besides us.
create table journal_checkpoints (
    size bigint primary key not null check (size > 0),
    root bytea not null,
    at timestamp(6) not null,
    note text collate "C" not null
);
create table journal_cosignatures (
    size bigint not null references journal_checkpoints (size),
    witness text collate "C" not null,
    line text collate "C" not null,
    primary key (size, witness)
);

-- Which process gives positions now, and that it lives: it counts on.
create table journal_sequencer (
    one integer primary key not null check (one = 1),
    holder text collate "C" not null,
    beat bigint not null
);
insert into journal_sequencer (one, holder, beat) values (1, '', 0);

create trigger journal_positions_append_only before update or delete or truncate on journal_positions
for each statement execute function journal_is_append_only();
create trigger journal_tiles_append_only before update or delete or truncate on journal_tiles
for each statement execute function journal_is_append_only();
create trigger journal_checkpoints_append_only before update or delete or truncate on journal_checkpoints
for each statement execute function journal_is_append_only();
create trigger journal_cosignatures_append_only before update or delete or truncate on journal_cosignatures
for each statement execute function journal_is_append_only();
