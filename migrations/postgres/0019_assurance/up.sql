-- How sure FranceConnect was of the citizen who agreed.
alter table drafts add column assurance text collate "C";
alter table mandates add column assurance text collate "C" not null default 'eidas1';
-- How the mediator last proved who they are.
alter table sessions add column authentication text collate "C" not null default 'otp';
alter table grants add column authentication text collate "C" not null default 'otp';
-- The word by which the service learns how sure we are: one of those it registered for.
alter table clients add column acr text not null default 'eidas1';
alter table flows add column acr text not null default 'eidas1';
alter table grants add column acr text not null default 'eidas1';
-- The words by which procedures are named between a service and us.
alter table clients add column vocabulary text not null default 'franceconnect';
-- Procedures bound to this service: only services to which they are bound may use them. What is withheld follows from all of them.
alter table clients add column binds text;
alter table clients add column withheld text;
-- SHA-256 of the secret that redeemed the code: what follows is signed with it too, though the secret may be replaced meanwhile.
alter table grants add column secret_hash bytea;
