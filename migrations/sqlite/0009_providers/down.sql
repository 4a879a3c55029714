drop index citizens_by_identity;
alter table citizens drop column identity_index;
alter table drafts drop column provider;
