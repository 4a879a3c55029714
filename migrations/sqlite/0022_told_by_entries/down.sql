drop index journal_told;
drop index journal_search_citizen;
create index journal_search_citizen on journal_search (citizen, n) where citizen is not null;
drop index journal_search_mandate;
create index journal_search_mandate on journal_search (mandate, n) where mandate is not null;
