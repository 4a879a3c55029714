-- Whether a client may be answered again without a page (prompt=none): only what the mediator chose a moment ago, for the same citizen.
alter table clients add column silent boolean not null default false;
-- Whom the service asks for, if it showed a token of ours about somebody (id_token_hint).
alter table flows add column citizen text collate "C";
-- The sign-in whose choice was repeated without a page, if it was.
alter table grants add column repeats text collate "C";
create index grants_by_repeated on grants (repeats) where repeats is not null;
create index grants_by_session on grants (session);
