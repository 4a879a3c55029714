-- Who may do what in the database of Mandataire. Run by the owner of the tables after each migration: `mandataire migrate --roles` does.
-- A login role gets its rights by being made a member: grant {prefix}_service to the_login_of_serve.
do $$ declare
    one text;
    everything text := (select string_agg(format('%I.%I', schemaname, tablename), ', ') from pg_tables
        where schemaname = current_schema() and tablename not like 'journal\_%' and tablename not like '\_\_%');
begin
    foreach one in array array['{prefix}_service', '{prefix}_sequencer', '{prefix}_auditor'] loop
        if not exists (select 1 from pg_roles where rolname = one) then
            execute format('create role %I nologin', one);
        end if;
        execute format('revoke all on all tables in schema %I from %I', current_schema(), one);
        execute format('revoke create on schema %I from %I', current_schema(), one);
        execute format('grant usage on schema %I to %I', current_schema(), one);
        execute format('grant select on __diesel_schema_migrations to %I', one);
    end loop;
    execute format('grant select, insert, update, delete on %s to {prefix}_service', everything);
end $$;

-- Whoever serves writes entries, and changes none.
grant select, insert on journal_entries, journal_sealed, journal_pending to {prefix}_service;
grant select on journal_positions, journal_tiles, journal_checkpoints, journal_cosignatures, journal_timestamps, journal_sequencer
    to {prefix}_service;
-- A timestamp is an entry too, and proves itself: whoever makes one up is found out by anybody.
grant insert on journal_timestamps to {prefix}_service;
-- The sealed parts of somebody who was destroyed go: a trigger refuses every other one.
grant delete on journal_sealed to {prefix}_service;
-- What auditors search is a copy: it can be made anew.
grant select, insert, update, delete on journal_terms, journal_search, journal_days, journal_digest, journal_exports to {prefix}_service;

-- Whoever signs reads entries, writes the tree over them, and changes nothing of it. It knows nobody.
grant select on journal_entries, journal_pending, journal_positions, journal_tiles, journal_checkpoints, journal_cosignatures,
    journal_sequencer to {prefix}_sequencer;
grant insert on journal_positions, journal_tiles, journal_checkpoints, journal_cosignatures to {prefix}_sequencer;
grant delete on journal_pending to {prefix}_sequencer;
grant update on journal_sequencer to {prefix}_sequencer;

-- Whoever audits reads the journal, and whose data was destroyed: by pseudonym. It reads neither persons nor their keys.
grant select on journal_entries, journal_sealed, journal_pending, journal_positions, journal_tiles, journal_checkpoints,
    journal_cosignatures, journal_timestamps, journal_terms, journal_search, journal_days, journal_digest, erasures
    to {prefix}_auditor;
