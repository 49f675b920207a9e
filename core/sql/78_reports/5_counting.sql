-- How right the levels were.

-- The counts that were applied in a period: lines, those without a variance, and units and money that were off. Undone ones are left out.
create function stockroom_api.counts_between(_first date, _last date, _variant_ids uuid[])
    returns table (count_id bigint, name text, ended_on date, lines int, right_lines int, expected bigint, off bigint, net bigint,
                   off_money numeric, net_money numeric)
    language sql stable security definer set search_path = pg_catalog, pg_temp set jit = off as $$
    select c.count_id, c.name, stockroom_api.shop_day(c.ended_at), count(*)::int, count(*) filter (where l.counted = l.expected)::int,
           sum(l.expected), sum(abs(l.counted - l.expected)), sum(l.counted - l.expected),
           coalesce(sum(abs(l.counted - l.expected) * l.unit_value), 0), coalesce(sum((l.counted - l.expected) * l.unit_value), 0)
      from stockroom_api.count_sessions c
      join stockroom.count_lines l on l.count_id = c.count_id and l.expected is not null
     where c.state = 'applied'
       and c.ended_at >= (select stockroom_api.shop_start(_first)) and c.ended_at < (select stockroom_api.shop_start(_last + 1))
       and (_variant_ids is null or l.variant_id = any (_variant_ids))
     group by 1, 2, 3;
$$;

grant execute on function stockroom_api.counts_between(date, date, uuid[]) to stockroom_app;
