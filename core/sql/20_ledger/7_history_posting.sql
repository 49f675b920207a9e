-- Posting the staged rows of a history: in one statement if they are in order of time, else as a batch of lines.

-- The staged rows with their variants, and the note of each movement.
create function stockroom_api.staged_lines(_import stockroom.history_imports, _after int, _until int)
    returns table (variant_id uuid, line int, movement_type text, reason text, quantity int, occurred_at timestamptz,
        reference_type text, reference text, note text, means text)
    language sql stable as $$
    select v.id, h.line, h.movement_type, h.reason, h.quantity, h.occurred_at, case when h.reference is not null then 'history' end,
           h.reference,
           case when h.line % 2 = 1 then 'Smallest opening that makes the history in ' || _import.file_name || ' possible'
                when r.note_required then 'From ' || _import.file_name end,
           r.means
      from stockroom.history_rows h
      join public.product_variants v on v.sku = h.sku
      join (select x.movement_type, x.reason, x.note_required, stockroom.netstring(x.movement_type) || stockroom.netstring(x.reason) as means
              from stockroom.reasons x offset 0) r on r.movement_type = h.movement_type and r.reason = h.reason
     where h.import_id = _import.id and h.line > _after and h.line <= _until;
$$;

-- What the last movement of a variant leaves behind.
create type stockroom_api.variant_end as (
    variant_id uuid, level int, sequence int, chain_hash bytea, moved_at timestamptz, counted_at timestamptz
);

-- The staged rows as movements: the level after each, its place in the chain, and its day. `_shared` has what all texts under the hash
-- share: the part after the levels, the part after the moment, and the person. The text is stockroom.movement_text in fewer steps.
create function stockroom_api.linked_lines(
    _import stockroom.history_imports, _after int, _until int, _zone text, _shared text[]
) returns table (variant_id uuid, line int, sku text, movement_type text, reason text, quantity int, occurred_at timestamptz, reference text,
        note text, is_new boolean, sequence int, level bigint, counted_at timestamptz, day date, next_day date, is_impossible boolean,
        chain_hash bytea)
    language sql stable as $$
    with line as (
        select h.*, v.sku, v.chain_head, v.reserved_quantity, v.movement_sequence = 0 as is_new,
               (v.movement_sequence + row_number() over following)::int as sequence,
               sum(h.quantity) over following as net, v.stock_quantity + sum(h.quantity) over following as level,
               coalesce(lag(h.occurred_at) over following, v.last_moved_at, '1970-01-01Z') > h.occurred_at as is_older,
               max(h.occurred_at) filter (where h.movement_type = 'count') over following as counted_at,
               stockroom_api.day_at(h.occurred_at, _zone) as day,
               lead(stockroom_api.day_at(h.occurred_at, _zone)) over following as next_day
          from stockroom_api.staged_lines(_import, _after, _until) h
          join public.product_variants v on v.id = h.variant_id
        window following as (partition by h.variant_id order by h.line rows unbounded preceding)
    )
    select l.variant_id, l.line, l.sku, l.movement_type, l.reason, l.quantity, l.occurred_at, l.reference, l.note, l.is_new, l.sequence,
           l.level, l.counted_at, l.day, l.next_day,
           bool_or(l.is_older or l.level not between 0 and 2000000000
                   or l.next_day is null and l.net < 0 and l.level < l.reserved_quantity) over chained,
           stockroom.chain(
               l.variant_id::text || '|' || l.sequence || '|' || l.quantity || '|' || l.level - l.quantity || '|' || l.level
               || _shared[1] || (date_part('epoch', l.occurred_at) * 1000000)::bigint || _shared[2]
               || octet_length(l.sku) || ':' || l.sku || l.means
               || coalesce('7:history' || octet_length(l.reference) || ':' || l.reference, '--') || _shared[3]
               || coalesce(octet_length(l.note) || ':' || l.note, '-'),
               l.chain_head) over chained
      from line l
    window chained as (partition by l.variant_id order by l.line rows unbounded preceding);
$$;

-- The part of the statement in post_staged that writes the daily figures of its movements.
create function stockroom_api.history_days() returns text
    language sql immutable as $$
    select $days$
    summed as materialized (
        select l.variant_id, l.day,
               coalesce(sum(l.quantity) filter (where l.movement_type = 'purchase' and l.quantity > 0), 0) as purchase_in,
               coalesce(sum(-l.quantity) filter (where l.movement_type = 'purchase' and l.quantity < 0), 0) as purchase_out,
               coalesce(sum(l.quantity) filter (where l.movement_type = 'sale' and l.quantity > 0), 0) as sale_in,
               coalesce(sum(-l.quantity) filter (where l.movement_type = 'sale' and l.quantity < 0), 0) as sale_out,
               coalesce(sum(l.quantity) filter (where l.movement_type = 'restoration' and l.quantity > 0), 0) as restoration_in,
               coalesce(sum(-l.quantity) filter (where l.movement_type = 'restoration' and l.quantity < 0), 0) as restoration_out,
               coalesce(sum(l.quantity) filter (where l.movement_type = 'adjustment' and l.quantity > 0), 0) as adjustment_in,
               coalesce(sum(-l.quantity) filter (where l.movement_type = 'adjustment' and l.quantity < 0), 0) as adjustment_out,
               coalesce(sum(l.quantity) filter (where l.movement_type = 'count' and l.quantity > 0), 0) as count_in,
               coalesce(sum(-l.quantity) filter (where l.movement_type = 'count' and l.quantity < 0), 0) as count_out,
               count(*) as movements, sum(l.level) filter (where l.next_day is distinct from l.day) as closing
          from linked l
         where exists (select from possible)
         group by l.variant_id, l.day
    ), known as materialized (
        select e.variant_id, (select d.day from stockroom.variant_days d
                               where d.variant_id = e.variant_id order by d.day desc limit 1) as day
          from ended e
         where not e.is_new
    ), same_day as (
        update stockroom.variant_days d
           set purchase_in = d.purchase_in + o.purchase_in, purchase_out = d.purchase_out + o.purchase_out,
               sale_in = d.sale_in + o.sale_in, sale_out = d.sale_out + o.sale_out,
               restoration_in = d.restoration_in + o.restoration_in, restoration_out = d.restoration_out + o.restoration_out,
               adjustment_in = d.adjustment_in + o.adjustment_in, adjustment_out = d.adjustment_out + o.adjustment_out,
               count_in = d.count_in + o.count_in, count_out = d.count_out + o.count_out,
               movements = d.movements + o.movements, closing = o.closing
          from known b
          join summed o on o.variant_id = b.variant_id and o.day = b.day
         where d.variant_id = o.variant_id and d.day = o.day
    ), other_days as (
        insert into stockroom.variant_days (variant_id, day, purchase_in, purchase_out, sale_in, sale_out, restoration_in,
               restoration_out, adjustment_in, adjustment_out, count_in, count_out, movements, closing)
        select o.* from summed o left join known b on b.variant_id = o.variant_id and b.day = o.day
         where b.day is null
         order by o.variant_id, o.day
    ), unsettled as materialized (
        select distinct o.day from summed o
    ), unsettled_days as (
        delete from stockroom.shop_days where day in (select u.day from unsettled u)
    ), unsettled_months as (
        delete from stockroom.closed_months where month in (select date_trunc('month', u.day)::date from unsettled u)
    )$days$;
$$;

-- Post the rows without an array of lines. It writes the same as post_lines (a test compares them), but relies on what is true of a
-- history: no row is older than a movement of its variant, so only the last day of a variant can have daily figures; no row is an
-- undo; no receipt brings a cost. If a row is older or impossible, it writes nothing and returns 0. The statement is dynamic, because
-- a generic plan would expect few rows. Variants follow in a second one: until then the foreign key finds one version of each.
create function stockroom_api.post_staged(
    _import stockroom.history_imports, _operation stockroom.operations, _after int, _until int
) returns bigint
    language plpgsql as $$
declare
    _before bigint := (select case when q.is_called then q.last_value else 0 end from public.stock_movements_id_seq q);
    _zone text;
    _posted bigint;
    _ends stockroom_api.variant_end[];
begin
    lock table stockroom.variant_days in row exclusive mode;  -- while another transaction changes the zone, this waits
    _zone := (select s.zone from stockroom.shop s);
    perform pg_advisory_xact_lock_shared(hashtext('stockroom.shop_days'));  -- as settle_past
    execute format($post$
    with linked as materialized (
        select l.* from stockroom_api.linked_lines($1, $3, $4, $5, $6) l
    ), ended as materialized (
        select l.* from linked l where l.next_day is null
    ), possible as materialized (
        select where not exists (select from ended e where e.is_impossible)
    ), %s, written as (
        insert into public.stock_movements
               (variant_id, sku, movement_type, reason, quantity, quantity_before, quantity_after, variant_sequence, operation_id,
                reference_type, reference_id, performed_by, note, occurred_at, created_at, chain_hash)
        select l.variant_id, l.sku, l.movement_type, l.reason, l.quantity, l.level - l.quantity, l.level, l.sequence, ($2).id,
               case when l.reference is not null then 'history' end, l.reference, ($2).performed_by, l.note, l.occurred_at, now(),
               l.chain_hash
          from linked l
         where exists (select from possible)
         order by l.line
    )
    select (select coalesce(sum(o.movements), 0) from summed o),
           (select array_agg(row (e.variant_id, e.level, e.sequence, e.chain_hash, e.occurred_at, e.counted_at)::stockroom_api.variant_end)
              from ended e where exists (select from possible))
    $post$, stockroom_api.history_days()) into _posted, _ends using _import, _operation, _after, _until, _zone,
        array[format('|%s|-|', _operation.id), format('|%s|', stockroom.microseconds(now())), stockroom.netstring(_operation.performed_by)];
    update public.product_variants v
       set stock_quantity = e.level, movement_sequence = e.sequence, chain_head = e.chain_hash, last_moved_at = e.moved_at,
           last_counted_at = greatest(v.last_counted_at, e.counted_at), updated_at = now()
      from unnest(_ends) e
     where v.id = e.variant_id;
    if exists (select from unnest(_ends) e join public.product_variants v on v.id = e.variant_id
                where v.unit_cost is not null or exists (select from stockroom.cost_steps k where k.variant_id = v.id)) then
        -- A range with two ends is looked up by index; for one with a single end, a generic plan would read the whole ledger.
        perform stockroom_api.cost_history(_operation, _before, (select q.last_value from public.stock_movements_id_seq q));
    end if;
    return _posted;
end $$;

-- Post the rows in one call of post_lines, which refuses what is impossible.
create function stockroom_api.post_staged_lines(
    _import stockroom.history_imports, _operation stockroom.operations, _after int, _until int
) returns bigint
    language sql as $$
    select count(*)
      from stockroom_api.post_lines(_operation.id, _operation.performed_by, array(
           select row (s.variant_id, s.movement_type, s.reason, s.quantity, s.occurred_at, s.reference_type, s.reference, null, s.note)
                  ::stockroom.line
             from stockroom_api.staged_lines(_import, _after, _until) s
            order by s.line));
$$;
