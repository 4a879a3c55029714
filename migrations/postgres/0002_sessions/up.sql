-- A link sent by e-mail: works once, for the browser that asked, and only until a newer one is sent. A request for an unknown
-- address leaves the same row without an account, so that both cost the same.
create table sign_in_links (
    token_hash bytea primary key not null,
    account text collate "C" references accounts (id),
    email_index bytea not null,
    browser_hash bytea not null,
    created_at timestamp(6) not null,
    expires_at timestamp(6) not null,
    used_at timestamp(6)
);
create index sign_in_links_of_address on sign_in_links (email_index, created_at);

create table sessions (
    id text collate "C" primary key not null,
    token_hash bytea not null unique,
    account text collate "C" not null references accounts (id),
    organisation text collate "C" references organisations (id),
    csrf text collate "C" not null,
    created_at timestamp(6) not null,
    seen_at timestamp(6) not null,
    code_at timestamp(6),
    expires_at timestamp(6) not null,
    ended_at timestamp(6),
    purpose bytea
);
create index sessions_of_account on sessions (account);
