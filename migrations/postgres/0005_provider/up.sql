create table clients (
    id text collate "C" primary key not null,
    name text collate "C" not null,
    redirect_uris text collate "C" not null,
    logout_uris text collate "C" not null,
    secret bytea not null,
    secret_hash bytea not null,
    auth_method text collate "C" not null,
    algorithm text collate "C" not null,
    userinfo text collate "C" not null,
    franceconnect boolean not null,
    created_at timestamp(6) not null
);

create table signing_keys (
    kid text collate "C" primary key not null,
    algorithm text collate "C" not null,
    private bytea not null,
    public text collate "C" not null,
    state text collate "C" not null,
    created_at timestamp(6) not null,
    retired_at timestamp(6)
);

-- One authorisation request in progress, bound to the browser that brought it, then to one mediator and session.
create table flows (
    id text collate "C" primary key not null,
    client text collate "C" not null references clients (id),
    browser_hash bytea not null,
    redirect_uri text collate "C" not null,
    state text collate "C",
    nonce text collate "C",
    scope text collate "C" not null,
    procedures text collate "C",
    code_since timestamp(6),
    challenge text collate "C",
    account text collate "C" references accounts (id),
    session text collate "C" references sessions (id),
    created_at timestamp(6) not null,
    expires_at timestamp(6) not null,
    used_at timestamp(6)
);

-- What a use gives: a code, then a token, each once. A flow gives one code at most.
create table grants (
    code_hash bytea primary key not null,
    flow text collate "C" not null unique references flows (id),
    client text collate "C" not null references clients (id),
    account text collate "C" not null references accounts (id),
    session text collate "C" not null references sessions (id),
    organisation text collate "C" not null references organisations (id),
    citizen text collate "C" not null references citizens (id),
    mandate text collate "C" not null references mandates (id),
    procedure text collate "C" not null,
    redirect_uri text collate "C" not null,
    nonce text collate "C",
    scope text collate "C" not null,
    challenge text collate "C",
    auth_time timestamp(6) not null,
    code_expires_at timestamp(6) not null,
    code_used_at timestamp(6),
    token_hash bytea unique,
    token_expires_at timestamp(6),
    token_used_at timestamp(6),
    revoked_at timestamp(6)
);
