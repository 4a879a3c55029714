-- One key per person, wrapped by the master key. Destroying the row destroys what it sealed.
create table person_keys (
    owner text primary key not null,
    wrapped blob not null,
    master_version integer not null,
    created_at timestamp not null
);

create table organisations (
    id text primary key not null,
    name text not null,
    siret text not null unique,
    address text not null,
    zone text not null,
    procedures text not null,
    suspended_at timestamp,
    created_at timestamp not null
);

-- The people who sign in. The profile (name, e-mail) is sealed; the address is found by its blind index.
create table accounts (
    id text primary key not null,
    email_index blob not null unique,
    profile blob not null,
    auditor boolean not null,
    active boolean not null,
    terms text,
    created_at timestamp not null
);

create table memberships (
    account text not null references accounts (id),
    organisation text not null references organisations (id),
    mediator boolean not null,
    manager boolean not null,
    certified_until timestamp,
    created_at timestamp not null,
    primary key (account, organisation)
);
create index memberships_of_organisation on memberships (organisation, account);

create table authenticators (
    id text primary key not null,
    account text not null references accounts (id),
    secret blob not null,
    last_step bigint not null,
    failures integer not null,
    locked_at timestamp,
    confirmed_at timestamp,
    created_at timestamp not null
);
create unique index one_confirmed_authenticator on authenticators (account) where confirmed_at is not null;

create table recovery_codes (
    account text not null references accounts (id),
    position integer not null,
    hash text not null,
    used_at timestamp,
    primary key (account, position)
);
