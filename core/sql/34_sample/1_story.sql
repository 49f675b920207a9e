-- The sample shop: an invented past, in a database that holds nothing else.

-- Whether this database was never used: no catalogue, no operation. A shop whose sample data was removed has been used.
create function stockroom_api.is_untouched() returns boolean
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select not exists (select from public.products) and not exists (select from stockroom.operations);
$$;

-- Turn an empty shop into the sample shop, live since `_opened_at`. Any other is refused, because the ledger will hold an invented
-- past.
create function stockroom_api.begin_sample(_shop_name text, _zone text, _currency text, _opened_at timestamptz) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform from stockroom.shop for update;  -- of two that load at once, the second sees what the first has loaded
    if exists (select from public.products) or exists (select from public.stock_movements) then
        perform stockroom_api.refuse('SK008', 'The sample shop needs an empty database, and this one holds products. '
            'Nothing was changed.', '{"field": "shop", "why": "is not empty"}');
    end if;
    update stockroom.shop set name = _shop_name, zone = _zone, currency = _currency, is_sample = true;
    update stockroom.stripe_link set livemode = false, live_since = _opened_at;
end $$;

-- Refuse in every shop but the sample shop.
create function stockroom_api.refuse_unless_sample() returns void
    language plpgsql as $$
begin
    if not (select is_sample from stockroom.shop) then
        perform stockroom_api.refuse_value('shop', 'is not the sample shop');
    end if;
end $$;

-- Store the steps of the story, once, and ask for the job that plays them.
create function stockroom_api.plan_sample(_opened_at timestamptz, _steps jsonb, _job text) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.refuse_unless_sample();
    insert into stockroom.sample_story (opened_at, steps) values (_opened_at, jsonb_array_length(_steps));
    insert into stockroom.sample_steps (n, at, step)
    select s.n, (s.step ->> 'at')::timestamptz, s.step from jsonb_array_elements(_steps) with ordinality s (step, n);
    insert into stockroom.jobs (name, title, period, is_daily, limit_seconds, next_at, asked_at)
    values (_job, _job, 60, false, 60, now(), now())
    on conflict (name) do update set asked_at = excluded.asked_at;
end $$;

-- The next steps in order, at most `_most`. Another process that plays the story waits until this transaction is over.
create function stockroom_api.next_sample_steps(_most int) returns table (n int, step jsonb)
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.refuse_unless_sample();
    perform from stockroom.sample_story for update;
    return query select s.n, s.step from stockroom.sample_steps s order by s.n limit _most;
end $$;

-- Whether the messages of the parts so far were applied. One that failed and is retried later does not count.
create function stockroom_api.is_sample_applied() returns boolean
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select not exists (select from stockroom.stripe_events e where e.state = 'new' and e.why is null);
$$;

-- Note that the steps up to `_n` were played, and what later steps call their objects.
create function stockroom_api.finish_sample_steps(_n int, _names jsonb) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    delete from stockroom.sample_steps where n <= _n;
    insert into stockroom.sample_names (name, object_id) select e.key, e.value from jsonb_each_text(_names) e
    on conflict (name) do update set object_id = excluded.object_id;
    update stockroom.sample_story set played_at = now()
     where played_at is null and not exists (select from stockroom.sample_steps);
$$;

-- What the story calls an object, as its id at Stripe.
create function stockroom_api.named_in_sample(_names text[]) returns table (name text, object_id text)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select n.name, n.object_id from stockroom.sample_names n where n.name = any (_names);
$$;

-- Whether it is time for the next new order; then the one after it comes in `_wait`. Of two callers at once, one gets true.
create function stockroom_api.is_order_time(_wait interval) returns boolean
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    with noted as (
        update stockroom.sample_story s set next_order_at = now() + _wait
          from stockroom.shop h
         where h.is_sample and s.played_at is not null and s.next_order_at <= now()
        returning 1
    )
    select exists (select from noted);
$$;

-- How far the story is played: its steps, those that were played, the last one's moment, and when it was complete.
create view stockroom_api.sample_progress as
select s.opened_at, s.steps, s.steps - l.waiting as played, coalesce(l.at, s.played_at) as played_until, s.played_at
  from stockroom.sample_story s
 cross join lateral (select count(*)::int as waiting, min(x.at) as at from stockroom.sample_steps x) l;

-- Post operations of the sample shop in order, like any other operations, each at its own moment. One that does not fit anymore,
-- because a visitor has changed the level meanwhile, is left out. Returns how many were posted.
create function stockroom_api.post_sample(_operations jsonb) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
    _operation record;
    _operation_id bigint;
    _lines stockroom.line[];
    _posted bigint := 0;
begin
    perform stockroom_api.refuse_unless_sample();
    for _operation in
        select o.* from rows from (jsonb_to_recordset(_operations) as (
            key text, kind text, performed_by text, at timestamptz, movement_type text, reason text, skus text[],
            quantities int[], reference_type text, reference text, note text, undoes text)) with ordinality o
         order by o.ordinality
    loop
        perform stockroom_api.lock_variants(array(select v.id from public.product_variants v where v.sku = any (_operation.skus)));
        _lines := array(
            select row (v.id, _operation.movement_type, _operation.reason, u.quantity, _operation.at,
                        _operation.reference_type, _operation.reference, r.id, _operation.note)::stockroom.line
              from unnest(_operation.skus, _operation.quantities) with ordinality u (sku, quantity, n)
              join public.product_variants v on v.sku = u.sku and (u.quantity >= 0 or v.computed_available_stock + u.quantity >= 0)
              left join stockroom.operations o on o.key = _operation.undoes
              left join public.stock_movements r on r.operation_id = o.id and r.variant_id = v.id
             where _operation.undoes is null
                or r.id is not null and not exists (select from public.stock_movements x where x.reverses_id = r.id)
             order by u.n);
        continue when cardinality(_lines) = 0;
        _operation_id := stockroom_api.claim_operation(
            _operation.key, _operation.kind, _operation::text, null, _operation.performed_by);
        continue when _operation_id is null;
        perform stockroom_api.check_lines(_lines);
        perform stockroom_api.post_lines(_operation_id, _operation.performed_by, _lines);
        _posted := _posted + 1;
    end loop;
    return _posted;
end $$;

grant select on stockroom_api.sample_progress to stockroom_app;
grant execute on function
    stockroom_api.is_untouched(),
    stockroom_api.begin_sample(text, text, text, timestamptz),
    stockroom_api.plan_sample(timestamptz, jsonb, text),
    stockroom_api.next_sample_steps(int),
    stockroom_api.is_sample_applied(),
    stockroom_api.finish_sample_steps(int, jsonb),
    stockroom_api.named_in_sample(text[]),
    stockroom_api.is_order_time(interval),
    stockroom_api.post_sample(jsonb)
    to stockroom_app;
