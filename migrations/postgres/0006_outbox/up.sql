-- Messages wait here until they are sent; the content is sealed for the person it goes to.
create table outbox (
    id text collate "C" primary key not null,
    account text collate "C" not null references accounts (id),
    content bytea not null,
    created_at timestamp(6) not null,
    attempts integer not null,
    next_attempt_at timestamp(6) not null,
    sent_at timestamp(6),
    failed_at timestamp(6)
);
create index outbox_waiting on outbox (next_attempt_at) where sent_at is null and failed_at is null;
