-- What auditors search is kept apart from what everybody writes, and filled behind it: an entry costs its act no index but its key.
drop index journal_by_kind;
drop index journal_by_organisation;
drop index journal_by_actor;
drop index journal_by_mandate;
drop index journal_by_organisation_and_kind;

-- A number for each word that entries are found by: four bytes in each index instead of thirty.
create table journal_terms (
    number integer primary key not null,
    term text collate "C" unique not null
);

-- One row for each entry; `n` begins with its instant in milliseconds. Copies of the journal: it may be emptied, and is filled again.
create table journal_search (
    n bigint primary key not null,
    entry text collate "C" not null,
    kind integer not null,
    organisation integer,
    actor integer,
    citizen integer,
    mandate integer,
    client integer,
    procedure integer
);
-- Every filter, and every pair of filters of which both can have many entries. Those of one citizen or one mandate are few.
create index journal_search_kind on journal_search (kind, n);
create index journal_search_organisation on journal_search (organisation, n) where organisation is not null;
create index journal_search_actor on journal_search (actor, n) where actor is not null;
create index journal_search_citizen on journal_search (citizen, n) where citizen is not null;
create index journal_search_mandate on journal_search (mandate, n) where mandate is not null;
create index journal_search_client on journal_search (client, n) where client is not null;
create index journal_search_procedure on journal_search (procedure, n) where procedure is not null;
create index journal_search_organisation_kind on journal_search (organisation, kind, n) where organisation is not null;
create index journal_search_actor_kind on journal_search (actor, kind, n) where actor is not null;
create index journal_search_client_kind on journal_search (client, kind, n) where client is not null;
create index journal_search_procedure_kind on journal_search (procedure, kind, n) where procedure is not null;
create index journal_search_actor_organisation on journal_search (actor, organisation, n) where actor is not null and organisation is not null;
create index journal_search_organisation_client on journal_search (organisation, client, n) where organisation is not null and client is not null;
create index journal_search_organisation_procedure on journal_search (organisation, procedure, n) where organisation is not null and procedure is not null;
create index journal_search_client_procedure on journal_search (client, procedure, n) where client is not null and procedure is not null;
create index journal_search_actor_client on journal_search (actor, client, n) where actor is not null and client is not null;
create index journal_search_actor_procedure on journal_search (actor, procedure, n) where actor is not null and procedure is not null;

-- How many entries of each kind on each day in Paris, in all (term 0) and for each organisation, actor, client and procedure.
create table journal_days (
    term integer not null,
    day integer not null,
    kind integer not null,
    entries bigint not null,
    primary key (term, day, kind)
);

-- How far that is: every entry up to `settled` is in it. `signals_day` is the last day that was looked at for signals.
create table journal_digest (
    one integer primary key not null check (one = 1),
    settled text collate "C" not null,
    signals_day integer
);
insert into journal_digest (one, settled) values (1, '');

create table inquiries (
    id text collate "C" primary key not null,
    citizen text collate "C" not null,
    asked_by text collate "C" not null,
    asked_at timestamp(6) not null,
    ground text collate "C" not null,
    entry text collate "C" not null,
    decided_by text collate "C",
    decided_at timestamp(6),
    approved boolean
);

create table signals (
    id text collate "C" primary key not null,
    rule text collate "C" not null,
    organisation text collate "C" not null,
    subject text collate "C" not null,
    day integer not null,
    times integer not null,
    first_at timestamp(6) not null,
    last_at timestamp(6) not null,
    raised_at timestamp(6) not null,
    answer_until timestamp(6) not null,
    answered_at timestamp(6),
    answered_by text collate "C",
    answer_entry text collate "C"
);
-- The same thing is said once, however often a day is looked at.
create unique index one_signal on signals (organisation, rule, subject, day);

create table findings (
    id text collate "C" primary key not null,
    account text collate "C" not null,
    at timestamp(6) not null,
    about text collate "C" not null,
    entry text collate "C" not null
);
create index findings_about on findings (about);

create table journal_exports (
    entry text collate "C" primary key not null,
    account text collate "C" not null,
    at timestamp(6) not null,
    entries integer not null
);
create index exports_of_an_account on journal_exports (account, at);
