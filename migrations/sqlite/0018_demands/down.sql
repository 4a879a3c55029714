-- SQLite has one writer: what a change is about cannot have changed since it was read.
select 1;
