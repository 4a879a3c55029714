-- Several changes in one statement are kept only if each found what it is about: it was changed in the meantime otherwise.
create function demand_one(rows bigint) returns void language plpgsql as $$
begin
    if rows <> 1 then
        raise exception 'changed in the meantime' using errcode = 'serialization_failure';
    end if;
end
$$;
