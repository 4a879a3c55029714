-- What each client registered for. A missing list of procedures means all of them.
alter table clients add column pkce text collate "C" not null default 'allowed';
alter table clients add column scopes text collate "C" not null default 'openid profile birth email identite_pivot given_name family_name preferred_username birthdate gender birthplace birthcountry idp_birthdate';
alter table clients add column procedures text collate "C";
alter table clients add column keys text collate "C";
alter table clients add column pushed boolean not null default false;
alter table clients add column dpop boolean not null default false;
alter table clients add column introspects boolean not null default false;
-- During a rotation the secret before works too, until this instant.
alter table clients add column previous bytea;
alter table clients add column previous_until timestamp(6);

-- Tokens that may be presented once: client assertions and proofs of possession. Kept until they expire.
create table seen_tokens (
    hash bytea primary key not null,
    expires_at timestamp(6) not null
);
create index seen_tokens_by_expiry on seen_tokens (expires_at);

-- Authorisation requests sent ahead (RFC 9126), sealed: they may name a person.
create table pushed_requests (
    hash bytea primary key not null,
    client text collate "C" not null references clients (id),
    parameters bytea not null,
    expires_at timestamp(6) not null
);
create index pushed_requests_by_expiry on pushed_requests (expires_at);

-- The thumbprint of the key that a code and its token are bound to (RFC 9449), if they are.
alter table flows add column dpop_key text collate "C";
alter table grants add column dpop_key text collate "C";
