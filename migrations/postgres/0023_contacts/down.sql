drop table contacts;
drop table phones;
