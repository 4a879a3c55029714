-- Whoever verifies the journal asks for all entries of two rare kinds before everything else.
create index journal_told on journal_entries (id) where kind in ('person_destroyed', 'journal_timestamped');
-- Of a person or a mandate with a great many entries, what else an entry has is read beside its place: not a row here and a row there.
drop index journal_search_citizen;
create index journal_search_citizen on journal_search (citizen, n) include (mandate, actor, client, procedure, organisation, kind) where citizen is not null;
drop index journal_search_mandate;
create index journal_search_mandate on journal_search (mandate, n) include (citizen, actor, client, procedure, organisation, kind) where mandate is not null;
