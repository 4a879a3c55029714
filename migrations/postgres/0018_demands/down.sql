drop function demand_one(bigint);
