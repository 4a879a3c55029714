-- `subject` is the random identifier that public services receive; the identity is sealed.
create table citizens (
    id text primary key not null,
    issuer text not null,
    sub_index blob not null,
    subject text not null unique,
    identity blob not null,
    created_at timestamp not null,
    unique (issuer, sub_index)
);

-- Keyed hashes of the beginnings of names, for the search of one organisation among its own citizens.
create table citizen_search (
    organisation text not null references organisations (id),
    token blob not null,
    citizen text not null references citizens (id),
    primary key (organisation, token, citizen)
);

create table drafts (
    id text primary key not null,
    account text not null references accounts (id),
    session text not null references sessions (id),
    organisation text not null references organisations (id),
    procedures text not null,
    term text not null,
    created_at timestamp not null,
    stage text not null,
    state_hash blob unique,
    nonce text,
    verifier text,
    citizen text references citizens (id),
    identity blob,
    agreement_hash blob unique,
    agreement blob,
    mandate text
);

create table mandates (
    id text primary key not null,
    organisation text not null references organisations (id),
    citizen text not null references citizens (id),
    draft text not null unique references drafts (id),
    opened_by text not null references accounts (id),
    opened_at timestamp not null,
    expires_at timestamp not null,
    term text not null,
    session text,
    document blob not null
);
create index mandates_of_citizen on mandates (organisation, citizen, opened_at);
create index mandates_of_organisation on mandates (organisation, expires_at);
create index mandates_of_session on mandates (session) where session is not null;

create table authorisations (
    id text primary key not null,
    mandate text not null references mandates (id),
    organisation text not null references organisations (id),
    citizen text not null references citizens (id),
    procedure text not null,
    ended_at timestamp,
    ended_kind text,
    ended_by text references accounts (id),
    reason text,
    check ((ended_at is null) = (ended_kind is null)),
    unique (mandate, procedure)
);
-- The last line of defence: two authorisations of one organisation, citizen and procedure never hold the same place.
create unique index one_live_authorisation on authorisations (organisation, citizen, procedure) where ended_at is null;

-- What an organisation holds of a citizen, kept with every opening and ending: the lists read this and nothing else.
create table holdings (
    organisation text not null references organisations (id),
    citizen text not null references citizens (id),
    last_opened_at timestamp not null,
    active_until timestamp,
    last_end timestamp not null,
    primary key (organisation, citizen)
);
create index holdings_by_opening on holdings (organisation, last_opened_at, citizen);

create table agreements (
    id text primary key not null,
    mandate text not null unique references mandates (id),
    given_at timestamp not null,
    method text not null,
    language text not null,
    text blob not null,
    digest blob not null
);

create table documents (
    mandate text primary key not null references mandates (id),
    version text not null,
    text blob not null,
    digest blob not null
);

create table uses (
    id text primary key not null,
    mandate text not null references mandates (id),
    authorisation text not null references authorisations (id),
    organisation text not null references organisations (id),
    citizen text not null references citizens (id),
    account text not null references accounts (id),
    client text not null,
    procedure text not null,
    at timestamp not null,
    outcome text,
    outcome_at timestamp,
    outcome_by text references accounts (id)
);
create index uses_of_mandate on uses (mandate, id);
create index uses_of_citizen on uses (organisation, citizen, id);
create index uses_of_mediator on uses (organisation, account, at);
