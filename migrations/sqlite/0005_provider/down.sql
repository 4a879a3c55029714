drop table grants;
drop table flows;
drop table signing_keys;
drop table clients;
