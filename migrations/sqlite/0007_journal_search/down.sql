create index journal_by_citizen on journal_entries (citizen, id);
drop index journal_by_organisation_and_kind;
