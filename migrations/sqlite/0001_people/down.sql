drop table recovery_codes;
drop table authenticators;
drop table memberships;
drop table accounts;
drop table organisations;
drop table person_keys;
