-- A phone number of citizens, in one organisation: the journal knows it by `id`, and `number_index` is a keyed hash of both. `at`: when it
-- was written down last.
create table phones (
    id text primary key not null,
    number_index blob not null unique,
    at timestamp not null
);
create index phones_by_age on phones (at);

-- Where an organisation can call a citizen; the number is sealed under the citizen's key.
create table contacts (
    organisation text not null references organisations (id),
    citizen text not null references citizens (id),
    phone text not null references phones (id),
    number blob not null,
    primary key (organisation, citizen)
);
create index contacts_of_phone on contacts (phone);
create index contacts_of_citizen on contacts (citizen);
