-- The ledger: the only place that writes movements and levels.

-- What an operation did to one variant; also what a repeat of it answers.
create type stockroom_api.posting as (
    operation_id bigint,
    replayed     boolean,
    movement_id  bigint,
    variant_id   uuid,
    sku          text,
    movement_type text,
    reason       text,
    quantity     int,
    quantity_before int,
    quantity_after  int,
    variant_sequence int
);

-- Claim a key. Answers the new operation's id, or null when the key is known with the same content; other content is refused.
create function stockroom_api.claim_operation(
    _key text, _kind text, _content text, _user_id bigint, _performed_by text
) returns bigint
    language plpgsql as $$
declare
    _fingerprint bytea := sha256(convert_to(_kind || ' ' || _content, 'UTF8'));
    _id bigint;
    _known bytea;
begin
    if _key is null or length(_key) not between 1 and 200 then
        perform stockroom_api.refuse_value('key', 'must have 1 to 200 characters');
    end if;
    insert into stockroom.operations (key, kind, fingerprint, user_id, performed_by)
    values (_key, _kind, _fingerprint, _user_id, _performed_by)
    on conflict (key) do nothing
    returning id into _id;
    if _id is null then
        select o.fingerprint into _known from stockroom.operations o where o.key = _key;
        if _known is distinct from _fingerprint then
            perform stockroom_api.refuse('SK003', 'This key was used for something else.', jsonb_build_object('key', _key));
        end if;
    end if;
    return _id;
end $$;

-- The first result of an operation, told again.
create function stockroom_api.replay(_key text) returns setof stockroom_api.posting
    language sql stable as $$
    select o.id, true, m.id, m.variant_id, m.sku, m.movement_type, m.reason,
           m.quantity, m.quantity_before, m.quantity_after, m.variant_sequence
      from stockroom.operations o
      join public.stock_movements m on m.operation_id = o.id
     where o.key = _key
     order by m.id;
$$;

-- Lock the variants in ascending id, so that two operations can wait for each other but never in a circle.
create function stockroom_api.lock_variants(_variant_ids uuid[]) returns void
    language plpgsql as $$
declare
    _wanted int := (select count(distinct id) + count(*) filter (where id is null) from unnest(_variant_ids) id);
    _locked int;
begin
    perform 1 from public.product_variants v where v.id = any (_variant_ids) order by v.id for no key update;
    get diagnostics _locked = row_count;
    if _locked <> _wanted then
        perform stockroom_api.refuse('SK001', 'A variant is unknown.', jsonb_build_object('variants',
            (select jsonb_agg(distinct w.id) from unnest(_variant_ids) w (id)
              where not exists (select from public.product_variants v where v.id = w.id))));
    end if;
end $$;

-- Refuse lines that no reason allows: unknown or retired reason, an undo of nothing, wrong direction, missing note, nothing moved.
create function stockroom_api.check_lines(_lines stockroom.line[]) returns void
    language plpgsql stable as $$
declare
    _bad record;
begin
    select l.n,
           case when r.reason is null or not r.is_active or l.unlinked then 'reason'
                when r.note_required and coalesce(btrim(l.note), '') = '' then 'note'
                else 'quantity' end as field,
           case when r.reason is null then format('"%s" does not belong to %s', l.reason, l.movement_type)
                when not r.is_active then format('"%s" is no longer used', r.label)
                when l.unlinked then format('"%s" needs the movement it reverses', r.label)
                when r.note_required and coalesce(btrim(l.note), '') = '' then format('is needed for "%s"', r.label)
                when l.quantity = 0 then 'must not be zero'
                else format('must be %s zero for "%s"', case r.sign when 1 then 'above' else 'below' end, r.label)
           end as why
      into _bad
      from (select x.*, x.reason = 'undo' and x.reverses_id is null as unlinked
              from unnest(_lines) with ordinality
                   x (variant_id, movement_type, reason, quantity, occurred_at, reference_type, reference_id, reverses_id, note, n)) l
      left join stockroom.reasons r on r.movement_type = l.movement_type and r.reason = l.reason
     where r.reason is null or not r.is_active or l.unlinked
        or (r.note_required and coalesce(btrim(l.note), '') = '')
        or (l.quantity = 0 and l.movement_type <> 'count')
        or (r.sign <> 0 and sign(l.quantity) = -r.sign)
     order by l.n
     limit 1;
    if found then
        perform stockroom_api.refuse_value(_bad.field, _bad.why, jsonb_build_object('line', _bad.n));
    end if;
end $$;

-- Refuse because the shelf has too little: every short variant with its numbers; or because it would hold more than fits in
-- a number. Nothing has been written yet.
create function stockroom_api.refuse_shortage(_lines stockroom.line[]) returns void
    language plpgsql as $$
declare
    _short jsonb := (
        select jsonb_agg(jsonb_build_object('variant_id', v.id, 'sku', v.sku, 'requested', -w.change, 'on_hand', v.stock_quantity,
                   'reserved', v.reserved_quantity, 'available', v.computed_available_stock) order by v.sku)
          from (select l.variant_id, sum(l.quantity)::bigint as change, min(l.running) as lowest
                  from (select x.variant_id, x.quantity, sum(x.quantity) over (partition by x.variant_id order by x.n) as running
                          from unnest(_lines) with ordinality
                               x (variant_id, movement_type, reason, quantity, occurred_at, reference_type, reference_id,
                                  reverses_id, note, n)) l
                 group by l.variant_id) w
          join public.product_variants v on v.id = w.variant_id
         where v.stock_quantity + w.lowest < 0 or (w.change < 0 and v.stock_quantity + w.change < v.reserved_quantity));
begin
    if _short is null then
        perform stockroom_api.refuse_value('quantity', 'would take the level above 2,000,000,000');
    end if;
    perform stockroom_api.refuse('SK002', 'Not enough stock.', jsonb_build_object('short', _short));
end $$;

-- Post the lines of one operation, set-based: movements in the given order, levels, heads and rollups, all or nothing.
-- The caller has claimed the operation and locked the variants. A batch of one is the single change.
create function stockroom_api.post_lines(_operation_id bigint, _performed_by text, _lines stockroom.line[])
    returns setof stockroom_api.posting
    language plpgsql as $$
begin
    return query
    with line as (
        select l.*, v.sku, v.chain_head, v.reserved_quantity, coalesce(l.occurred_at, now()) as happened_at,
               (v.movement_sequence + row_number() over following)::int as sequence,
               v.stock_quantity + sum(l.quantity::bigint) over following as after,
               l.n = max(l.n) over whole as is_last, sum(l.quantity::bigint) over whole as net,
               max(coalesce(l.occurred_at, now())) over whole as moved_at,
               max(case when l.movement_type = 'count' and l.reason <> 'undo' then coalesce(l.occurred_at, now()) end)
                   over whole as counted_at
          from unnest(_lines) with ordinality
               l (variant_id, movement_type, reason, quantity, occurred_at, reference_type, reference_id, reverses_id, note, n)
          join public.product_variants v on v.id = l.variant_id
        window following as (partition by l.variant_id order by l.n), whole as (partition by l.variant_id)
    ), linked as materialized (
        select l.*, l.after - l.quantity as before,
               stockroom.chain(
                   stockroom.movement_text(l.variant_id, l.sequence, l.sku, l.movement_type, l.reason, l.quantity,
                       (l.after - l.quantity)::int, l.after::int, _operation_id, l.reference_type, l.reference_id,
                       l.reverses_id, _performed_by, l.note, l.happened_at, now()),
                   l.chain_head) over (partition by l.variant_id order by l.n) as chain_hash
          from line l
    ), impossible as (
        select from linked x where x.after < 0 or x.after > 2000000000 or (x.is_last and x.net < 0 and x.after < x.reserved_quantity)
    ), moved as (
        update public.product_variants v
           set stock_quantity = l.after, movement_sequence = l.sequence, chain_head = l.chain_hash,
               last_moved_at = greatest(v.last_moved_at, l.moved_at), last_counted_at = greatest(v.last_counted_at, l.counted_at),
               updated_at = now()
          from linked l
         where l.is_last and v.id = l.variant_id and not exists (select from impossible)
    ), written as (
        insert into public.stock_movements as m (variant_id, sku, movement_type, reason, quantity, quantity_before, quantity_after,
               variant_sequence, operation_id, reference_type, reference_id, reverses_id, performed_by, note, occurred_at,
               created_at, chain_hash)
        select l.variant_id, l.sku, l.movement_type, l.reason, l.quantity, l.before, l.after, l.sequence, _operation_id,
               l.reference_type, l.reference_id, l.reverses_id, _performed_by, l.note, l.happened_at, now(), l.chain_hash
          from linked l
         where not exists (select from impossible)
         order by l.n
        returning m.*
    )
    select _operation_id, false, w.id, w.variant_id, w.sku, w.movement_type, w.reason,
           w.quantity, w.quantity_before, w.quantity_after, w.variant_sequence
      from written w
     order by w.id;
    if not found and cardinality(_lines) > 0 then
        perform stockroom_api.refuse_shortage(_lines);
    end if;
    perform stockroom_api.roll_up(_lines);
end $$;

-- Units in and out by type, and the net, of each variant and day among the lines.
create function stockroom_api.days_of(_lines stockroom.line[])
    returns table (variant_id uuid, day date, purchase_in bigint, purchase_out bigint, sale_in bigint, sale_out bigint,
        restoration_in bigint, restoration_out bigint, adjustment_in bigint, adjustment_out bigint,
        count_in bigint, count_out bigint, movements bigint, net bigint)
    language sql stable as $$
    select l.variant_id, (coalesce(l.occurred_at, now()) at time zone s.zone)::date as day,
           coalesce(sum(l.quantity) filter (where l.movement_type = 'purchase' and l.quantity > 0), 0),
           coalesce(sum(-l.quantity) filter (where l.movement_type = 'purchase' and l.quantity < 0), 0),
           coalesce(sum(l.quantity) filter (where l.movement_type = 'sale' and l.quantity > 0), 0),
           coalesce(sum(-l.quantity) filter (where l.movement_type = 'sale' and l.quantity < 0), 0),
           coalesce(sum(l.quantity) filter (where l.movement_type = 'restoration' and l.quantity > 0), 0),
           coalesce(sum(-l.quantity) filter (where l.movement_type = 'restoration' and l.quantity < 0), 0),
           coalesce(sum(l.quantity) filter (where l.movement_type = 'adjustment' and l.quantity > 0), 0),
           coalesce(sum(-l.quantity) filter (where l.movement_type = 'adjustment' and l.quantity < 0), 0),
           coalesce(sum(l.quantity) filter (where l.movement_type = 'count' and l.quantity > 0), 0),
           coalesce(sum(-l.quantity) filter (where l.movement_type = 'count' and l.quantity < 0), 0),
           count(*), sum(l.quantity)
      from unnest(_lines) l
     cross join stockroom.shop s
     group by 1, 2;
$$;

-- Add the lines to the rollup, under the lock of their variants. Closing = the level at the end of that day, by the moment it
-- happened: the latest closing up to the day plus what the lines add up to then. Later days are settled too: those of a
-- back-dated line, and today's when a transaction begun before midnight posts after one begun later.
create function stockroom_api.roll_up(_lines stockroom.line[]) returns void
    language plpgsql as $$
begin
    insert into stockroom.variant_days as d (variant_id, day, purchase_in, purchase_out, sale_in, sale_out, restoration_in,
           restoration_out, adjustment_in, adjustment_out, count_in, count_out, movements, closing)
    select o.variant_id, o.day, o.purchase_in, o.purchase_out, o.sale_in, o.sale_out, o.restoration_in, o.restoration_out,
           o.adjustment_in, o.adjustment_out, o.count_in, o.count_out, o.movements,
           coalesce((select p.closing from stockroom.variant_days p
                      where p.variant_id = o.variant_id and p.day <= o.day order by p.day desc limit 1), 0)
           + sum(o.net) over (partition by o.variant_id order by o.day)
      from stockroom_api.days_of(_lines) o
    on conflict (variant_id, day) do update
       set purchase_in = d.purchase_in + excluded.purchase_in, purchase_out = d.purchase_out + excluded.purchase_out,
           sale_in = d.sale_in + excluded.sale_in, sale_out = d.sale_out + excluded.sale_out,
           restoration_in = d.restoration_in + excluded.restoration_in,
           restoration_out = d.restoration_out + excluded.restoration_out,
           adjustment_in = d.adjustment_in + excluded.adjustment_in,
           adjustment_out = d.adjustment_out + excluded.adjustment_out,
           count_in = d.count_in + excluded.count_in, count_out = d.count_out + excluded.count_out,
           movements = d.movements + excluded.movements, closing = excluded.closing;
    if exists (select from unnest(_lines) l where l.occurred_at is not null)
       or exists (select from unnest(_lines) l join stockroom.variant_days d on d.variant_id = l.variant_id
                   where d.day > stockroom_api.shop_day(now())) then
        perform stockroom_api.settle_past(_lines);
    end if;
end $$;

-- What a back-dated line changes besides its own day: later closing levels of its variant, and the shop's sums of that day.
-- The shared lock tells a reader who is summing a day that its sum may already be old (stockroom_api.close_days).
create function stockroom_api.settle_past(_lines stockroom.line[]) returns void
    language plpgsql as $$
begin
    perform pg_advisory_xact_lock_shared(hashtext('stockroom.shop_days'));
    delete from stockroom.shop_days
     where day in (select distinct stockroom_api.shop_day(l.occurred_at) from unnest(_lines) l where l.occurred_at is not null);
    with past as (
        select l.variant_id, stockroom_api.shop_day(coalesce(l.occurred_at, now())) as day, sum(l.quantity) as net
          from unnest(_lines) l group by 1, 2
    ), later as (
        select d.variant_id, d.day, sum(p.net) as net
          from past p
          join stockroom.variant_days d on d.variant_id = p.variant_id and d.day > p.day
         where not exists (select from past same where same.variant_id = d.variant_id and same.day = d.day)
         group by 1, 2
    )
    update stockroom.variant_days d set closing = d.closing + later.net
      from later where d.variant_id = later.variant_id and d.day = later.day;
end $$;

-- A person's change: the same type, reason, reference and note for every line; `_quantities` are signed units.
-- Refuses: SK001, SK002, SK003, SK008, SK009, SK010.
create function stockroom_api.post_change(
    _key text, _kind text, _user_id bigint, _session_id bigint, _roles text[], _name text,
    _movement_type text, _reason text, _variant_ids uuid[], _quantities int[],
    _reference_type text default null, _reference_id text default null, _note text default null
) returns setof stockroom_api.posting
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
    set plan_cache_mode = force_generic_plan as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _lines stockroom.line[] := array(
        select row (v, _movement_type, _reason, q, null, _reference_type, _reference_id, null, _note)::stockroom.line
          from unnest(_variant_ids, _quantities) with ordinality u (v, q, n) order by n);
    _operation_id bigint := stockroom_api.claim_operation(_key, _kind, _lines::text, _user_id, _performed_by);
begin
    if _operation_id is null then
        return query select * from stockroom_api.replay(_key);
        return;
    end if;
    perform stockroom_api.check_lines(_lines);
    perform stockroom_api.lock_variants(_variant_ids);
    return query select * from stockroom_api.post_lines(_operation_id, _performed_by, _lines);
end $$;

-- Compare and set: each variant goes to its target only if it still stands where the person saw it; else nothing moves
-- and SK004 tells the present level and the movements since. Refuses: as post_change, and SK004.
create function stockroom_api.post_levels(
    _key text, _kind text, _user_id bigint, _session_id bigint, _roles text[], _name text,
    _movement_type text, _reason text, _variant_ids uuid[], _targets int[], _seen int[], _note text default null
) returns setof stockroom_api.posting
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
    set plan_cache_mode = force_generic_plan as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _lines stockroom.line[] := array(
        select row (v, _movement_type, _reason, t - s, null, null, null, null, _note)::stockroom.line
          from unnest(_variant_ids, _targets, _seen) with ordinality u (v, t, s, n) order by n);
    _operation_id bigint := stockroom_api.claim_operation(
        _key, _kind, _lines::text || _targets::text, _user_id, _performed_by);
begin
    if _operation_id is null then
        return query select * from stockroom_api.replay(_key);
        return;
    end if;
    if cardinality(_variant_ids) <> (select count(distinct id) from unnest(_variant_ids) id) then
        perform stockroom_api.refuse_value('lines', 'name the same variant twice');
    end if;
    perform stockroom_api.check_lines(_lines);
    perform stockroom_api.lock_variants(_variant_ids);
    perform stockroom_api.refuse_changed(_variant_ids, _seen);
    return query select * from stockroom_api.post_lines(_operation_id, _performed_by, _lines);
end $$;

-- Refuse with SK004 if a locked variant is not at the level that was seen.
create function stockroom_api.refuse_changed(_variant_ids uuid[], _seen int[]) returns void
    language plpgsql as $$
declare
    _changed jsonb := (
        select jsonb_agg(jsonb_build_object('variant_id', v.id, 'sku', v.sku, 'seen', u.seen, 'on_hand', v.stock_quantity,
                   'since', stockroom_api.movements_since(v.id, u.seen)) order by v.sku)
          from unnest(_variant_ids, _seen) u (id, seen)
          join public.product_variants v on v.id = u.id
         where v.stock_quantity <> u.seen);
begin
    if _changed is not null then
        perform stockroom_api.refuse('SK004', 'The level has changed meanwhile.', jsonb_build_object('changed', _changed));
    end if;
end $$;

-- The movements after the level last stood at `_seen`, newest first, at most ten: what happened behind somebody's back.
create function stockroom_api.movements_since(_variant_id uuid, _seen int) returns jsonb
    language sql stable as $$
    select coalesce(jsonb_agg(jsonb_build_object('movement_id', m.id, 'movement_type', m.movement_type, 'reason', m.reason,
               'quantity', m.quantity, 'quantity_after', m.quantity_after, 'performed_by', m.performed_by,
               'occurred_at', m.occurred_at) order by m.variant_sequence desc), '[]')
      from (select * from public.stock_movements
             where variant_id = _variant_id
               and variant_sequence > coalesce((
                   select max(variant_sequence) from public.stock_movements
                    where variant_id = _variant_id and quantity_after = _seen), 0)
             order by variant_sequence desc limit 10) m;
$$;

-- Undo: the opposite of each movement, linked to it, once. Sales and restorations belong to an order and are not undone here.
-- Refuses: as post_change, and SK005.
create function stockroom_api.post_undo(
    _key text, _user_id bigint, _session_id bigint, _roles text[], _name text, _movement_ids bigint[], _note text
) returns setof stockroom_api.posting
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
    set plan_cache_mode = force_generic_plan as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _operation_id bigint := stockroom_api.claim_operation(
        _key, 'undo', _movement_ids::text || coalesce(_note, ''), _user_id, _performed_by);
    _lines stockroom.line[];
begin
    if _operation_id is null then
        return query select * from stockroom_api.replay(_key);
        return;
    end if;
    _lines := array(
        select row (m.variant_id, m.movement_type, 'undo', -m.quantity, null, m.reference_type, m.reference_id, m.id, _note)
               ::stockroom.line
          from public.stock_movements m where m.id = any (_movement_ids) order by m.id desc);
    perform stockroom_api.lock_variants(array(select (l).variant_id from unnest(_lines) l));
    perform stockroom_api.refuse_undo(_movement_ids);
    perform stockroom_api.check_lines(_lines);
    return query select * from stockroom_api.post_lines(_operation_id, _performed_by, _lines);
end $$;

-- Refuse what cannot be undone: unknown, undone before, itself an undo, or kept by an order. The variants are locked.
create function stockroom_api.refuse_undo(_movement_ids bigint[]) returns void
    language plpgsql as $$
declare
    _bad record;
begin
    select u.id, m.id is null as unknown, r.id as reversed_by, r.performed_by, r.created_at, m.reason, m.movement_type, m.quantity
      into _bad
      from unnest(_movement_ids) u (id)
      left join public.stock_movements m on m.id = u.id
      left join public.stock_movements r on r.reverses_id = m.id
     where m.id is null or r.id is not null or m.reason = 'undo' or m.movement_type in ('sale', 'restoration') or m.quantity = 0
     order by u.id limit 1;
    if not found then
        return;
    end if;
    if _bad.reversed_by is not null then
        perform stockroom_api.refuse('SK005', 'This movement was undone already.', jsonb_build_object('movement_id', _bad.id,
            'reversed_by', _bad.reversed_by, 'performed_by', _bad.performed_by, 'reversed_at', _bad.created_at));
    end if;
    perform stockroom_api.refuse_value('movement', case
            when _bad.unknown then 'is not in the ledger'
            when _bad.reason = 'undo' then 'is an undo itself; post the change again instead'
            when _bad.quantity = 0 then 'moved nothing'
            else 'belongs to an order; change it there' end, jsonb_build_object('movement_id', _bad.id));
end $$;

grant execute on function
    stockroom_api.post_change(text, text, bigint, bigint, text[], text, text, text, uuid[], int[], text, text, text),
    stockroom_api.post_levels(text, text, bigint, bigint, text[], text, text, text, uuid[], int[], int[], text),
    stockroom_api.post_undo(text, bigint, bigint, text[], text, bigint[], text)
    to stockroom_app;
