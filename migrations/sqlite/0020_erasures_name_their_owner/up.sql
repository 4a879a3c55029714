-- An erasure is of the person whom its entry names: a citizen, or the holder of an account.
drop trigger erasures_are_said;
create trigger erasures_are_said before insert on erasures
when not exists (
    select 1 from journal_entries
    where id = new.entry and kind = 'person_destroyed' and new.owner = coalesce(citizen, json_extract(cast(clear as text), '$.subject'))
)
begin select raise(abort, 'an erasure is an entry of the journal'); end;
