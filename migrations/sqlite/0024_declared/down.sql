alter table sessions drop column declared;
