drop index grants_by_session;
drop index grants_by_repeated;
alter table grants drop column repeats;
alter table flows drop column citizen;
alter table clients drop column silent;
