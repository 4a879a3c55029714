-- The clear part is canonical and complete; the columns before it repeat what the auditor filters by.
create table journal_entries (
    id text collate "C" primary key not null,
    at timestamp(6) not null,
    kind text collate "C" not null,
    organisation text collate "C",
    actor text collate "C",
    citizen text collate "C",
    mandate text collate "C",
    client text collate "C",
    clear bytea not null,
    commitment bytea not null,
    leaf bytea not null
);
create index journal_by_kind on journal_entries (kind, id);
create index journal_by_organisation on journal_entries (organisation, id);
create index journal_by_actor on journal_entries (actor, id);
create index journal_by_citizen on journal_entries (citizen, id);
create index journal_by_mandate on journal_entries (mandate, id);

create table journal_sealed (
    entry text collate "C" primary key not null references journal_entries (id),
    owner text collate "C" not null,
    salt bytea not null,
    ciphertext bytea not null
);

create function journal_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the journal is append-only';
end
$$;
create trigger journal_entries_append_only before update or delete or truncate on journal_entries
for each statement execute function journal_is_append_only();
create trigger journal_sealed_append_only before update or delete or truncate on journal_sealed
for each statement execute function journal_is_append_only();
