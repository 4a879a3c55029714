-- One kind of entry in one organisation is what auditors ask for most: without this, everything of the organisation is read for it.
create index journal_by_organisation_and_kind on journal_entries (organisation, kind, id);
-- Nothing is looked up by citizen, and every entry paid for it.
drop index journal_by_citizen;
