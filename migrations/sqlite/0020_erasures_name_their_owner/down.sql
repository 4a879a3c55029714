drop trigger erasures_are_said;
create trigger erasures_are_said before insert on erasures
when not exists (
    select 1 from journal_entries
    where id = new.entry and kind = 'person_destroyed' and (citizen is null or citizen = new.owner)
)
begin select raise(abort, 'an erasure is an entry of the journal'); end;
