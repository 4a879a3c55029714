-- `subject` is the random identifier that public services receive; the identity is sealed.
create table citizens (
    id text collate "C" primary key not null,
    issuer text collate "C" not null,
    sub_index bytea not null,
    subject text collate "C" not null unique,
    identity bytea not null,
    created_at timestamp(6) not null,
    unique (issuer, sub_index)
);

-- Keyed hashes of the beginnings of names, for the search of one organisation among its own citizens.
create table citizen_search (
    organisation text collate "C" not null references organisations (id),
    token bytea not null,
    citizen text collate "C" not null references citizens (id),
    primary key (organisation, token, citizen)
);

create table drafts (
    id text collate "C" primary key not null,
    account text collate "C" not null references accounts (id),
    session text collate "C" not null references sessions (id),
    organisation text collate "C" not null references organisations (id),
    procedures text collate "C" not null,
    term text collate "C" not null,
    created_at timestamp(6) not null,
    stage text collate "C" not null,
    state_hash bytea unique,
    nonce text collate "C",
    verifier text collate "C",
    citizen text collate "C" references citizens (id),
    identity bytea,
    agreement_hash bytea unique,
    agreement bytea,
    mandate text collate "C"
);

create table mandates (
    id text collate "C" primary key not null,
    organisation text collate "C" not null references organisations (id),
    citizen text collate "C" not null references citizens (id),
    draft text collate "C" not null unique references drafts (id),
    opened_by text collate "C" not null references accounts (id),
    opened_at timestamp(6) not null,
    expires_at timestamp(6) not null,
    term text collate "C" not null,
    session text collate "C",
    document bytea not null
);
create index mandates_of_citizen on mandates (organisation, citizen, opened_at);
create index mandates_of_organisation on mandates (organisation, expires_at);
create index mandates_of_session on mandates (session) where session is not null;

create table authorisations (
    id text collate "C" primary key not null,
    mandate text collate "C" not null references mandates (id),
    organisation text collate "C" not null references organisations (id),
    citizen text collate "C" not null references citizens (id),
    procedure text collate "C" not null,
    ended_at timestamp(6),
    ended_kind text collate "C",
    ended_by text collate "C" references accounts (id),
    reason text collate "C",
    check ((ended_at is null) = (ended_kind is null)),
    unique (mandate, procedure)
);
-- The last line of defence: two authorisations of one organisation, citizen and procedure never hold the same place.
create unique index one_live_authorisation on authorisations (organisation, citizen, procedure) where ended_at is null;

-- What an organisation holds of a citizen, kept with every opening and ending: the lists read this and nothing else.
create table holdings (
    organisation text collate "C" not null references organisations (id),
    citizen text collate "C" not null references citizens (id),
    last_opened_at timestamp(6) not null,
    active_until timestamp(6),
    last_end timestamp(6) not null,
    primary key (organisation, citizen)
);
create index holdings_by_opening on holdings (organisation, last_opened_at, citizen);

create table agreements (
    id text collate "C" primary key not null,
    mandate text collate "C" not null unique references mandates (id),
    given_at timestamp(6) not null,
    method text collate "C" not null,
    language text collate "C" not null,
    text bytea not null,
    digest bytea not null
);

create table documents (
    mandate text collate "C" primary key not null references mandates (id),
    version text collate "C" not null,
    text bytea not null,
    digest bytea not null
);

create table uses (
    id text collate "C" primary key not null,
    mandate text collate "C" not null references mandates (id),
    authorisation text collate "C" not null references authorisations (id),
    organisation text collate "C" not null references organisations (id),
    citizen text collate "C" not null references citizens (id),
    account text collate "C" not null references accounts (id),
    client text collate "C" not null,
    procedure text collate "C" not null,
    at timestamp(6) not null,
    outcome text collate "C",
    outcome_at timestamp(6),
    outcome_by text collate "C" references accounts (id)
);
create index uses_of_mandate on uses (mandate, id);
create index uses_of_citizen on uses (organisation, citizen, id);
create index uses_of_mediator on uses (organisation, account, at);
