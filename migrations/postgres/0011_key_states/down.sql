drop index one_prepared_key;
drop index one_active_key;
-- Whoever went before could not read a key without its private part, and knows no key that waits.
delete from signing_keys where state in ('prepared', 'verify_only');
update signing_keys set state = 'retired' where state = 'retiring';
alter table signing_keys drop column urgent;
alter table signing_keys drop column signs_from;
