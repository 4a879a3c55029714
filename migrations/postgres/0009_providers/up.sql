-- Which provider a draft waits for.
alter table drafts add column provider text not null default 'franceconnect';
-- A keyed hash of who somebody is: the same person under another subject is noticed, and never merged. Null until the next opening
-- of whoever was known before.
alter table citizens add column identity_index bytea;
create index citizens_by_identity on citizens (identity_index) where identity_index is not null;
