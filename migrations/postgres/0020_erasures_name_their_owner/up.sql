-- An erasure is of the person whom its entry names: a citizen, or the holder of an account.
create or replace function erasures_are_said() returns trigger language plpgsql as $$
begin
    if not exists (
        select 1 from journal_entries
        where id = new.entry and kind = 'person_destroyed'
            and new.owner = coalesce(citizen, convert_from(clear, 'UTF8')::json ->> 'subject')
    ) then
        raise exception 'an erasure is an entry of the journal';
    end if;
    return new;
end
$$;
