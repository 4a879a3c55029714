-- One key per person, wrapped by the master key. Destroying the row destroys what it sealed.
create table person_keys (
    owner text collate "C" primary key not null,
    wrapped bytea not null,
    master_version integer not null,
    created_at timestamp(6) not null
);

create table organisations (
    id text collate "C" primary key not null,
    name text collate "C" not null,
    siret text collate "C" not null unique,
    address text collate "C" not null,
    zone text collate "C" not null,
    procedures text collate "C" not null,
    suspended_at timestamp(6),
    created_at timestamp(6) not null
);

-- The people who sign in. The profile (name, e-mail) is sealed; the address is found by its blind index.
create table accounts (
    id text collate "C" primary key not null,
    email_index bytea not null unique,
    profile bytea not null,
    auditor boolean not null,
    active boolean not null,
    terms text collate "C",
    created_at timestamp(6) not null
);

create table memberships (
    account text collate "C" not null references accounts (id),
    organisation text collate "C" not null references organisations (id),
    mediator boolean not null,
    manager boolean not null,
    certified_until timestamp(6),
    created_at timestamp(6) not null,
    primary key (account, organisation)
);
create index memberships_of_organisation on memberships (organisation, account);

create table authenticators (
    id text collate "C" primary key not null,
    account text collate "C" not null references accounts (id),
    secret bytea not null,
    last_step bigint not null,
    failures integer not null,
    locked_at timestamp(6),
    confirmed_at timestamp(6),
    created_at timestamp(6) not null
);
create unique index one_confirmed_authenticator on authenticators (account) where confirmed_at is not null;

create table recovery_codes (
    account text collate "C" not null references accounts (id),
    position integer not null,
    hash text collate "C" not null,
    used_at timestamp(6),
    primary key (account, position)
);
