-- A phone number of citizens, in one organisation: the journal knows it by `id`, and `number_index` is a keyed hash of both. `at`: when it
-- was written down last.
create table phones (
    id text primary key not null,
    number_index blob not null unique,
    at timestamp not null
);
create index phones_by_age on phones (at);

-- Where an organisation can call a citizen: the number is sealed under the citizen's key. Without it: where it once could, so that what the
-- number was known by is found when the citizen goes.
create table contacts (
    organisation text not null references organisations (id),
    citizen text not null references citizens (id),
    phone text not null references phones (id) on delete cascade,
    number blob,
    primary key (organisation, citizen, phone)
);
create unique index one_contact on contacts (organisation, citizen) where number is not null;
create index contacts_of_phone on contacts (phone);
create index contacts_of_citizen on contacts (citizen);
