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
