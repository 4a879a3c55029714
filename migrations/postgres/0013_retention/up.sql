-- Who asks for erasures and sets holds. `contact_at`: the last sign-in, which outlives the session.
alter table accounts add column officer boolean not null default false;
alter table accounts add column contact_at timestamp(6);
update accounts set contact_at = (select max(seen_at) from sessions where account = accounts.id);
-- Since when somebody, or a mandate, is in the restricted archive, and since when it is destroyed. The row itself stays.
alter table accounts add column archived_at timestamp(6);
alter table accounts add column destroyed_at timestamp(6);
alter table citizens add column archived_at timestamp(6);
alter table citizens add column destroyed_at timestamp(6);
alter table mandates add column archived_at timestamp(6);
alter table mandates add column destroyed_at timestamp(6);
-- Identifiers begin with their instant: what is old enough is a range of them.
create index accounts_to_archive on accounts (archived_at, id);
create index accounts_to_destroy on accounts (destroyed_at, id);
create index citizens_to_archive on citizens (archived_at, id);
create index citizens_to_destroy on citizens (destroyed_at, id);
create index mandates_to_archive on mandates (archived_at, id);
create index mandates_to_destroy on mandates (destroyed_at, id);
create index holdings_of_citizen on holdings (citizen);
create index drafts_of_citizen on drafts (citizen);
create index grants_of_citizen on grants (citizen);
create index journal_sealed_of_owner on journal_sealed (owner);
-- What is over is found by its end, and a row that is deleted looks for those that name it.
create index drafts_by_start on drafts (created_at);
create index drafts_of_session on drafts (session);
create index flows_by_expiry on flows (expires_at);
create index flows_of_session on flows (session);
create index grants_by_expiry on grants (code_expires_at);
create index grants_of_session on grants (session);
create index sessions_by_expiry on sessions (expires_at);
create index sign_in_links_by_expiry on sign_in_links (expires_at);

-- What a mandate was opened with is kept with the mandate, and nowhere else.
update drafts set identity = null, agreement = null where stage = 'opened';

-- A hold keeps everything of a person where it is.
create table holds (
    id text collate "C" primary key not null,
    person text collate "C" not null,
    ground text collate "C" not null,
    set_by text collate "C" not null references accounts (id),
    set_at timestamp(6) not null,
    lifted_by text collate "C" references accounts (id),
    lifted_at timestamp(6)
);
create unique index one_hold on holds (person) where lifted_at is null;

-- Asked by one officer in one session, decided by another in another.
create table erasure_requests (
    id text collate "C" primary key not null,
    citizen text collate "C" not null references citizens (id),
    ground text collate "C" not null,
    asked_by text collate "C" not null references accounts (id),
    asked_in text collate "C" not null,
    asked_at timestamp(6) not null,
    decision text collate "C",
    decided_by text collate "C" references accounts (id),
    decided_at timestamp(6),
    check ((decision is null) = (decided_at is null)),
    check (decided_by is null or decided_by <> asked_by)
);
create unique index one_waiting_request on erasure_requests (citizen) where decided_at is null;

-- Who was destroyed, and the entry that says so.
create table erasures (
    owner text collate "C" primary key not null,
    entry text collate "C" not null references journal_entries (id),
    at timestamp(6) not null
);

-- Where a browser came from when a citizen was identified, or named to a service: sealed, and kept for as long as FranceConnect asks.
create table traces (
    id text collate "C" primary key not null,
    at timestamp(6) not null,
    account text collate "C" not null,
    citizen text collate "C",
    source bytea not null
);
create index traces_by_age on traces (at);

-- What one node does at a time.
create table leases (
    name text collate "C" primary key not null,
    holder text collate "C" not null,
    until timestamp(6) not null,
    done_at timestamp(6)
);

create function erasures_are_final() returns trigger language plpgsql as $$
begin
    raise exception 'an erasure is final';
end
$$;
create function erasures_are_said() returns trigger language plpgsql as $$
begin
    if not exists (
        select 1 from journal_entries
        where id = new.entry and kind = 'person_destroyed' and (citizen is null or citizen = new.owner)
    ) then
        raise exception 'an erasure is an entry of the journal';
    end if;
    return new;
end
$$;
create trigger erasures_are_said before insert on erasures for each row execute function erasures_are_said();
create trigger erasures_are_final before update or delete or truncate on erasures
for each statement execute function erasures_are_final();
-- Nobody who was destroyed comes back with a key of before.
create function person_keys_stay_destroyed() returns trigger language plpgsql as $$
begin
    if exists (select 1 from erasures where owner = new.owner) then
        raise exception 'an erasure is final';
    end if;
    return new;
end
$$;
create trigger person_keys_stay_destroyed before insert or update of owner on person_keys
for each row execute function person_keys_stay_destroyed();
-- The sealed parts of somebody who was destroyed, and no others: after the key, never instead of it.
create function journal_sealed_is_kept() returns trigger language plpgsql as $$
begin
    if exists (select 1 from erasures where owner = old.owner)
        and not exists (select 1 from person_keys where owner = old.owner) then
        return old;
    end if;
    raise exception 'the journal is append-only';
end
$$;
drop trigger journal_sealed_append_only on journal_sealed;
create trigger journal_sealed_append_only before update or truncate on journal_sealed
for each statement execute function journal_is_append_only();
create trigger journal_sealed_is_kept before delete on journal_sealed
for each row execute function journal_sealed_is_kept();
