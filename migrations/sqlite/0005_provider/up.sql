create table clients (
    id text primary key not null,
    name text not null,
    redirect_uris text not null,
    logout_uris text not null,
    secret blob not null,
    secret_hash blob not null,
    auth_method text not null,
    algorithm text not null,
    userinfo text not null,
    franceconnect boolean not null,
    created_at timestamp not null
);

create table signing_keys (
    kid text primary key not null,
    algorithm text not null,
    private blob not null,
    public text not null,
    state text not null,
    created_at timestamp not null,
    retired_at timestamp
);

-- One authorisation request in progress, bound to the browser that brought it, then to one mediator and session.
create table flows (
    id text primary key not null,
    client text not null references clients (id),
    browser_hash blob not null,
    redirect_uri text not null,
    state text,
    nonce text,
    scope text not null,
    procedures text,
    code_since timestamp,
    challenge text,
    account text references accounts (id),
    session text references sessions (id),
    created_at timestamp not null,
    expires_at timestamp not null,
    used_at timestamp
);

-- What a use gives: a code, then a token, each once. A flow gives one code at most.
create table grants (
    code_hash blob primary key not null,
    flow text not null unique references flows (id),
    client text not null references clients (id),
    account text not null references accounts (id),
    session text not null references sessions (id),
    organisation text not null references organisations (id),
    citizen text not null references citizens (id),
    mandate text not null references mandates (id),
    procedure text not null,
    redirect_uri text not null,
    nonce text,
    scope text not null,
    challenge text,
    auth_time timestamp not null,
    code_expires_at timestamp not null,
    code_used_at timestamp,
    token_hash blob unique,
    token_expires_at timestamp,
    token_used_at timestamp,
    revoked_at timestamp
);
