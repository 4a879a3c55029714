-- A key is prepared, active, retiring or verify_only; one that is gone has no row. A private part that is destroyed is empty.
alter table signing_keys add column signs_from timestamp not null default '1970-01-01 00:00:00';
alter table signing_keys add column urgent boolean not null default false;
update signing_keys set signs_from = created_at;
update signing_keys set state = 'retiring' where state = 'retired';

-- Never two at once that sign with one algorithm, nor two that wait.
create unique index one_active_key on signing_keys (algorithm) where state = 'active';
create unique index one_prepared_key on signing_keys (algorithm) where state = 'prepared';
