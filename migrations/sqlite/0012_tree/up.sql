-- Entries that have no position yet. Filled by a trigger: whatever writes an entry writes this in the same transaction. A row goes when
-- its entry gets a position.
create table journal_pending (entry text primary key not null) without rowid;
create trigger journal_entries_pending after insert on journal_entries
begin insert into journal_pending (entry) values (new.id); end;
insert into journal_pending (entry) select id from journal_entries;

-- The place of an entry in the tree: 0, 1, 2, … without gaps.
create table journal_positions (
    position bigint primary key not null check (position >= 0),
    entry text not null unique references journal_entries (id)
) without rowid;

-- Full tiles of 256 hashes; those at the right edge follow from the rows below them. The root is that over the tile.
create table journal_tiles (
    level integer not null,
    number bigint not null,
    root blob not null,
    hashes blob not null,
    primary key (level, number)
);

-- What was signed, and by whom besides us.
create table journal_checkpoints (
    size bigint primary key not null check (size > 0),
    root blob not null,
    at timestamp not null,
    note text not null
) without rowid;
create table journal_cosignatures (
    size bigint not null references journal_checkpoints (size),
    witness text not null,
    line text not null,
    primary key (size, witness)
) without rowid;

-- Which process gives positions now, and that it lives: it counts on.
create table journal_sequencer (
    one integer primary key not null check (one = 1),
    holder text not null,
    beat bigint not null
);
insert into journal_sequencer (one, holder, beat) values (1, '', 0);

-- "insert or replace" would delete without asking the triggers for it.
create trigger journal_positions_no_update before update on journal_positions
begin select raise(abort, 'the journal is append-only'); end;
create trigger journal_positions_no_delete before delete on journal_positions
begin select raise(abort, 'the journal is append-only'); end;
create trigger journal_positions_no_replace before insert on journal_positions
when exists (select 1 from journal_positions where position = new.position or entry = new.entry)
begin select raise(abort, 'the journal is append-only'); end;
create trigger journal_tiles_no_update before update on journal_tiles
begin select raise(abort, 'the journal is append-only'); end;
create trigger journal_tiles_no_delete before delete on journal_tiles
begin select raise(abort, 'the journal is append-only'); end;
create trigger journal_tiles_no_replace before insert on journal_tiles
when exists (select 1 from journal_tiles where level = new.level and number = new.number)
begin select raise(abort, 'the journal is append-only'); end;
create trigger journal_checkpoints_no_update before update on journal_checkpoints
begin select raise(abort, 'the journal is append-only'); end;
create trigger journal_checkpoints_no_delete before delete on journal_checkpoints
begin select raise(abort, 'the journal is append-only'); end;
create trigger journal_checkpoints_no_replace before insert on journal_checkpoints
when exists (select 1 from journal_checkpoints where size = new.size)
begin select raise(abort, 'the journal is append-only'); end;
create trigger journal_cosignatures_no_update before update on journal_cosignatures
begin select raise(abort, 'the journal is append-only'); end;
create trigger journal_cosignatures_no_delete before delete on journal_cosignatures
begin select raise(abort, 'the journal is append-only'); end;
create trigger journal_cosignatures_no_replace before insert on journal_cosignatures
when exists (select 1 from journal_cosignatures where size = new.size and witness = new.witness)
begin select raise(abort, 'the journal is append-only'); end;
