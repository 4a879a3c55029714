alter table journal_checkpoints drop column previous;
