-- Messages wait here until they are sent; the content is sealed for the person it goes to.
create table outbox (
    id text primary key not null,
    account text not null references accounts (id),
    content blob not null,
    created_at timestamp not null,
    attempts integer not null,
    next_attempt_at timestamp not null,
    sent_at timestamp,
    failed_at timestamp
);
create index outbox_waiting on outbox (next_attempt_at) where sent_at is null and failed_at is null;
