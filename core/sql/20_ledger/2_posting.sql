-- Posting to the ledger: the only place that writes movements and levels.

-- What an operation did to one variant. A repeat of the operation returns the same.
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

-- Claim an idempotency key. Returns the id of the new operation, or null if the key is known with the same content. Refuses:
-- SK003 for other content, SK008.
create function stockroom_api.claim_operation(
    _key text, _kind text, _content text, _user_id bigint, _performed_by text, _at timestamptz default now()
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
    insert into stockroom.operations (key, kind, fingerprint, user_id, performed_by, created_at)
    values (_key, _kind, _fingerprint, _user_id, _performed_by, _at)
    on conflict (key) do nothing
    returning id into _id;
    if _id is null then
        select o.fingerprint into _known from stockroom.operations o where o.key = _key;
        if _known is distinct from _fingerprint then
            perform stockroom_api.refuse('SK003', 'This idempotency key was already used for another operation.', jsonb_build_object('key', _key));
        end if;
    end if;
    return _id;
end $$;

-- The first result of an operation, for a repeat of it.
create function stockroom_api.replay(_key text) returns setof stockroom_api.posting
    language sql stable as $$
    select o.id, true, m.id, m.variant_id, m.sku, m.movement_type, m.reason,
           m.quantity, m.quantity_before, m.quantity_after, m.variant_sequence
      from stockroom.operations o
      join public.stock_movements m on m.operation_id = o.id
     where o.key = _key
     order by m.id;
$$;

-- Lock the variants in ascending id, so that two operations cannot deadlock. Refuses: SK001.
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

-- The reasons that ask for nothing else.
create view stockroom_api.plain_reasons as
select r.movement_type, r.reason, r.sign from stockroom.reasons r where r.is_active and not r.note_required;

-- Refuse the first line that its reason does not allow: unknown or retired reason, undo without a movement, missing note, no units,
-- wrong sign. It is a loop because it looks only at values; consecutive lines with the same reason read it once. Refuses: SK008.
create function stockroom_api.check_lines(_lines stockroom.line[]) returns void
    language plpgsql stable as $$
declare
    _reason stockroom.reasons;
    _line stockroom.line;
    _n int := 0;
    _field text;
    _why text;
begin
    foreach _line in array _lines loop
        _n := _n + 1;
        if _n = 1 or _line.reason is distinct from _reason.reason or _line.movement_type is distinct from _reason.movement_type then
            select r.* into _reason from stockroom.reasons r
             where r.movement_type = _line.movement_type and r.reason = _line.reason;
        end if;
        if _reason.reason is null then
            _field := 'reason'; _why := format('"%s" does not belong to %s', _line.reason, _line.movement_type);
        elsif not _reason.is_active then
            _field := 'reason'; _why := format('"%s" is no longer used', _reason.label);
        elsif _line.reason = 'undo' and _line.reverses_id is null then
            _field := 'reason'; _why := format('"%s" needs the movement it reverses', _reason.label);
        elsif _reason.note_required and coalesce(btrim(_line.note), '') = '' then
            _field := 'note'; _why := format('is needed for "%s"', _reason.label);
        elsif _line.quantity = 0 and _line.movement_type <> 'count' then
            _field := 'quantity'; _why := 'must not be zero';
        elsif _reason.sign <> 0 and sign(_line.quantity) = -_reason.sign then
            _field := 'quantity';
            _why := format('must be %s zero for "%s"', case _reason.sign when 1 then 'above' else 'below' end, _reason.label);
        end if;
        if _field is not null then
            perform stockroom_api.refuse_value(_field, _why, jsonb_build_object('line', _n));
        end if;
    end loop;
end $$;

-- Refuse lines that do not fit: SK002 names every variant with too little stock, SK008 means a level above the limit. Nothing has
-- been written yet.
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

-- One link of the chain: what stockroom.chain_link returns for stockroom.movement_text, in fewer steps (a test compares them).
create function stockroom_api.link(
    _head bytea, _variant_id uuid, _sequence int, _sku text, _type text, _reason text, _quantity int, _before int, _after int,
    _operation_id bigint, _reference_type text, _reference_id text, _reverses_id bigint, _performed_by text, _note text,
    _occurred_at timestamptz, _created_at timestamptz
) returns bytea
    language sql stable
    return sha256(coalesce(_head, ''::bytea) || convert_to(concat(
        _variant_id, '|', _sequence, '|', _quantity, '|', _before, '|', _after, '|', _operation_id, '|', coalesce(_reverses_id::text, '-'),
        '|', (extract(epoch from _occurred_at) * 1000000)::bigint, '|', (extract(epoch from _created_at) * 1000000)::bigint, '|',
        octet_length(_sku), ':', _sku, octet_length(_type), ':', _type, octet_length(_reason), ':', _reason,
        coalesce(octet_length(_reference_type) || ':' || _reference_type, '-'),
        coalesce(octet_length(_reference_id) || ':' || _reference_id, '-'), octet_length(_performed_by), ':', _performed_by,
        coalesce(octet_length(_note) || ':' || _note, '-')), 'UTF8'));

-- The common case in three statements: post a single line that happens now to a variant with enough stock. Updating its row takes
-- the lock. Most days have a row in the rollup, and an update costs less than an insert that meets it; the everyday directions have one
-- each. It writes the same as post_lines (a test compares them). In every other case it writes nothing and returns null: an
-- unknown variant, too little stock, a concurrent movement with a later moment. `reserved` is what is held of the variant.
create function stockroom_api.post_one(
    _operation_id bigint, _performed_by text, _variant_id uuid, _type text, _reason text, _quantity int, _reference_type text,
    _reference_id text, _reverses_id bigint, _note text, _cost numeric,
    out movement_id bigint, out sku text, out level int, out reserved int, out sequence int
)
    language plpgsql as $$
declare
    _head bytea;
    _catalogue numeric;
begin
    update public.product_variants v
       set stock_quantity = v.stock_quantity + _quantity, movement_sequence = v.movement_sequence + 1,
           chain_head = stockroom_api.link(v.chain_head, v.id, v.movement_sequence + 1, v.sku, _type, _reason, _quantity,
               v.stock_quantity, v.stock_quantity + _quantity, _operation_id, _reference_type, _reference_id, _reverses_id,
               _performed_by, _note, now(), now()),
           last_moved_at = now(), updated_at = now(),
           last_counted_at = case when _type = 'count' and _reason <> 'undo' then now() else v.last_counted_at end
     where v.id = _variant_id and (v.last_moved_at <= now() or v.last_moved_at is null)
       and v.stock_quantity + _quantity::bigint between case when _quantity < 0 then v.reserved_quantity else 0 end and 2000000000
    returning v.sku, v.stock_quantity, v.reserved_quantity, v.movement_sequence, v.chain_head, v.unit_cost
         into sku, level, reserved, sequence, _head, _catalogue;
    if not found then
        return;
    end if;
    if _type = 'sale' and _quantity < 0 then
        update stockroom.variant_days d
           set sale_out = d.sale_out - _quantity, movements = d.movements + 1, closing = level
          from stockroom.shop s
         where d.variant_id = _variant_id and d.day = stockroom_api.day_at(now(), s.zone);
    elsif _type = 'adjustment' then
        update stockroom.variant_days d
           set adjustment_in = d.adjustment_in + greatest(_quantity, 0), adjustment_out = d.adjustment_out + greatest(-_quantity, 0),
               movements = d.movements + 1, closing = level
          from stockroom.shop s
         where d.variant_id = _variant_id and d.day = stockroom_api.day_at(now(), s.zone);
    elsif _type = 'purchase' then
        update stockroom.variant_days d
           set purchase_in = d.purchase_in + greatest(_quantity, 0), purchase_out = d.purchase_out + greatest(-_quantity, 0),
               movements = d.movements + 1, closing = level
          from stockroom.shop s
         where d.variant_id = _variant_id and d.day = stockroom_api.day_at(now(), s.zone);
    else
        perform stockroom_api.roll_up_one(_variant_id, _type, _quantity, level);  -- sets found
    end if;
    if not found then  -- its first movement of the day
        perform stockroom_api.roll_up_one(_variant_id, _type, _quantity, level);
    end if;
    insert into public.stock_movements (variant_id, sku, movement_type, reason, quantity, quantity_before, quantity_after,
           variant_sequence, operation_id, reference_type, reference_id, reverses_id, performed_by, note, occurred_at,
           created_at, chain_hash)
    values (_variant_id, post_one.sku, _type, _reason, _quantity, level - _quantity, level, sequence, _operation_id, _reference_type,
            _reference_id, _reverses_id, _performed_by, _note, now(), now(), _head)
    returning id into movement_id;
    if _type = 'purchase' or _quantity > 0 and _catalogue is not null then
        perform stockroom_api.cost_one(_operation_id, _performed_by, _variant_id, _type, _reason, _quantity, _reverses_id, _cost,
                                       _catalogue, level, sequence);
    end if;
end $$;

-- Post the lines of one operation, set-based: movements in the given order, levels, chain heads and rollups, all or nothing. The
-- caller has claimed the operation and locked the variants. The last line of a variant has the new values of its row. A batch of
-- orders has many operations; then `_operations` has one for each line. The rows of an adopted history keep the people and the
-- moments that the old system recorded; then `_people` and `_recorded` have them for each line. `_costs` has what one unit of a receipt
-- cost, for each line. Refuses: SK002, SK008.
create function stockroom_api.post_lines(
    _operation_id bigint, _performed_by text, _lines stockroom.line[], _operations bigint[] default null,
    _people text[] default null, _recorded timestamptz[] default null, _costs numeric[] default null
) returns setof stockroom_api.posting
    language plpgsql as $$
begin
    return query
    with line as (
        select l.*, v.sku, v.chain_head, v.reserved_quantity, coalesce(l.occurred_at, now()) as happened_at,
               coalesce(_operations[l.n::int], _operation_id) as operation_id,
               coalesce(_people[l.n::int], _performed_by) as person, coalesce(_recorded[l.n::int], now()) as recorded_at,
               (v.movement_sequence + row_number() over following)::int as sequence,
               sum(l.quantity) over following as net, v.stock_quantity + sum(l.quantity) over following as after,
               lead(false, 1, true) over following as is_last, max(coalesce(l.occurred_at, now())) over following as moved_at,
               max(case when l.movement_type = 'count' and l.reason <> 'undo' then coalesce(l.occurred_at, now()) end)
                   over following as counted_at
          from unnest(_lines) with ordinality
               l (variant_id, movement_type, reason, quantity, occurred_at, reference_type, reference_id, reverses_id, note, n)
          join public.product_variants v on v.id = l.variant_id
        window following as (partition by l.variant_id order by l.n rows unbounded preceding)
    ), linked as materialized (
        select l.*, l.after - l.quantity as before,
               stockroom.chain(
                   stockroom.movement_text(l.variant_id, l.sequence, l.sku, l.movement_type, l.reason, l.quantity,
                       (l.after - l.quantity)::int, l.after::int, l.operation_id, l.reference_type, l.reference_id,
                       l.reverses_id, l.person, l.note, l.happened_at, l.recorded_at),
                   l.chain_head) over (partition by l.variant_id order by l.n rows unbounded preceding) as chain_hash
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
        select l.variant_id, l.sku, l.movement_type, l.reason, l.quantity, l.before, l.after, l.sequence, l.operation_id,
               l.reference_type, l.reference_id, l.reverses_id, l.person, l.note, l.happened_at, l.recorded_at,
               l.chain_hash
          from linked l
         where not exists (select from impossible)
         order by l.n
        returning m.*
    )
    select w.operation_id, false, w.id, w.variant_id, w.sku, w.movement_type, w.reason,
           w.quantity, w.quantity_before, w.quantity_after, w.variant_sequence
      from written w
     order by w.id;
    if not found and cardinality(_lines) > 0 then
        perform stockroom_api.refuse_shortage(_lines);
    end if;
    perform stockroom_api.roll_up(_lines);
    if stockroom_api.bears_cost(_lines) then
        perform stockroom_api.write_costs(_operation_id, _performed_by, _lines, _costs, _operations, _people);
    end if;
end $$;
