drop table journal_sequencer;
drop table journal_cosignatures;
drop table journal_checkpoints;
drop table journal_tiles;
drop table journal_positions;
drop trigger journal_entries_pending;
drop table journal_pending;
