-- Only SQLite has something to change here.
select 1;
