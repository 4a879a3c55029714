drop table sessions;
drop table sign_in_links;
