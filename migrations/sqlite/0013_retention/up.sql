-- Who asks for erasures and sets holds. `contact_at`: the last sign-in, which outlives the session.
alter table accounts add column officer boolean not null default false;
alter table accounts add column contact_at timestamp;
update accounts set contact_at = (select max(seen_at) from sessions where account = accounts.id);
-- Since when somebody, or a mandate, is in the restricted archive, and since when it is destroyed. The row itself stays.
alter table accounts add column archived_at timestamp;
alter table accounts add column destroyed_at timestamp;
alter table citizens add column archived_at timestamp;
alter table citizens add column destroyed_at timestamp;
alter table mandates add column archived_at timestamp;
alter table mandates add column destroyed_at timestamp;
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
    id text primary key not null,
    person text not null,
    ground text not null,
    set_by text not null references accounts (id),
    set_at timestamp not null,
    lifted_by text references accounts (id),
    lifted_at timestamp
);
create unique index one_hold on holds (person) where lifted_at is null;

-- Asked by one officer in one session, decided by another in another.
create table erasure_requests (
    id text primary key not null,
    citizen text not null references citizens (id),
    ground text not null,
    asked_by text not null references accounts (id),
    asked_in text not null,
    asked_at timestamp not null,
    decision text,
    decided_by text references accounts (id),
    decided_at timestamp,
    check ((decision is null) = (decided_at is null)),
    check (decided_by is null or decided_by <> asked_by)
);
create unique index one_waiting_request on erasure_requests (citizen) where decided_at is null;

-- Who was destroyed, and the entry that says so.
create table erasures (
    owner text primary key not null,
    entry text not null references journal_entries (id),
    at timestamp not null
);

-- Where a browser came from when a citizen was identified, or named to a service: sealed, and kept for as long as FranceConnect asks.
create table traces (
    id text primary key not null,
    at timestamp not null,
    account text not null,
    citizen text,
    source blob not null
);
create index traces_by_age on traces (at);

-- What one node does at a time.
create table leases (
    name text primary key not null,
    holder text not null,
    until timestamp not null,
    done_at timestamp
);

create trigger erasures_are_said before insert on erasures
when not exists (
    select 1 from journal_entries
    where id = new.entry and kind = 'person_destroyed' and (citizen is null or citizen = new.owner)
)
begin select raise(abort, 'an erasure is an entry of the journal'); end;
create trigger erasures_no_replace before insert on erasures
when exists (select 1 from erasures where owner = new.owner)
begin select raise(abort, 'an erasure is final'); end;
create trigger erasures_no_update before update on erasures
begin select raise(abort, 'an erasure is final'); end;
create trigger erasures_no_delete before delete on erasures
begin select raise(abort, 'an erasure is final'); end;
-- Nobody who was destroyed comes back with a key of before.
create trigger person_keys_stay_destroyed before insert on person_keys
when exists (select 1 from erasures where owner = new.owner)
begin select raise(abort, 'an erasure is final'); end;
create trigger person_keys_stay_their_owners before update of owner on person_keys
begin select raise(abort, 'a key is its owner''s'); end;
-- The sealed parts of somebody who was destroyed, and no others: after the key, never instead of it.
drop trigger journal_sealed_no_delete;
create trigger journal_sealed_no_delete before delete on journal_sealed
when not exists (select 1 from erasures where owner = old.owner)
    or exists (select 1 from person_keys where owner = old.owner)
begin select raise(abort, 'the journal is append-only'); end;
