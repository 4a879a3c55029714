-- The clear part is canonical and complete; the columns before it repeat what the auditor filters by.
create table journal_entries (
    id text primary key not null,
    at timestamp not null,
    kind text not null,
    organisation text,
    actor text,
    citizen text,
    mandate text,
    client text,
    clear blob not null,
    commitment blob not null,
    leaf blob not null
);
create index journal_by_kind on journal_entries (kind, id);
create index journal_by_organisation on journal_entries (organisation, id);
create index journal_by_actor on journal_entries (actor, id);
create index journal_by_citizen on journal_entries (citizen, id);
create index journal_by_mandate on journal_entries (mandate, id);

create table journal_sealed (
    entry text primary key not null references journal_entries (id),
    owner text not null,
    salt blob not null,
    ciphertext blob not null
);

create trigger journal_entries_no_update before update on journal_entries
begin select raise(abort, 'the journal is append-only'); end;
create trigger journal_entries_no_delete before delete on journal_entries
begin select raise(abort, 'the journal is append-only'); end;
-- "insert or replace" would delete without asking the trigger above.
create trigger journal_entries_no_replace before insert on journal_entries
when exists (select 1 from journal_entries where id = new.id)
begin select raise(abort, 'the journal is append-only'); end;
create trigger journal_sealed_no_replace before insert on journal_sealed
when exists (select 1 from journal_sealed where entry = new.entry)
begin select raise(abort, 'the journal is append-only'); end;
create trigger journal_sealed_no_update before update on journal_sealed
begin select raise(abort, 'the journal is append-only'); end;
create trigger journal_sealed_no_delete before delete on journal_sealed
begin select raise(abort, 'the journal is append-only'); end;
