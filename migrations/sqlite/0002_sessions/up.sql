-- A link sent by e-mail: works once, for the browser that asked, and only until a newer one is sent. A request for an unknown
-- address leaves the same row without an account, so that both cost the same.
create table sign_in_links (
    token_hash blob primary key not null,
    account text references accounts (id),
    email_index blob not null,
    browser_hash blob not null,
    created_at timestamp not null,
    expires_at timestamp not null,
    used_at timestamp
);
create index sign_in_links_of_address on sign_in_links (email_index, created_at);

create table sessions (
    id text primary key not null,
    token_hash blob not null unique,
    account text not null references accounts (id),
    organisation text references organisations (id),
    csrf text not null,
    created_at timestamp not null,
    seen_at timestamp not null,
    code_at timestamp,
    expires_at timestamp not null,
    ended_at timestamp,
    purpose blob
);
create index sessions_of_account on sessions (account);
