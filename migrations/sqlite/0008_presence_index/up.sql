-- With a part of the table left out by "is not null", SQLite plans every statement about mandates anew for every value it is given.
drop index mandates_of_session;
create index mandates_of_session on mandates (session);
