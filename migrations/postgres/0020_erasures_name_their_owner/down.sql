create or replace function erasures_are_said() returns trigger language plpgsql as $$
begin
    if not exists (
        select 1 from journal_entries
        where id = new.entry and kind = 'person_destroyed'
            and (citizen is null or citizen = new.owner)
    ) then
        raise exception 'an erasure is an entry of the journal';
    end if;
    return new;
end
$$;
