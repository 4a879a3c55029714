drop index journal_cosignatures_by_witness;
drop table journal_timestamps;
