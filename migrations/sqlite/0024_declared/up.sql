-- The entry in which an auditor said why they read; what they read says which.
alter table sessions add column declared text;
