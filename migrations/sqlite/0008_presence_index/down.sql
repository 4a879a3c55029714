drop index mandates_of_session;
create index mandates_of_session on mandates (session) where session is not null;
