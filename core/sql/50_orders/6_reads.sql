-- Reads for the screens of selling: the list of orders, one order with everything, refunds to decide, cases by urgency.

-- The columns by which orders are searched and paged. They come from one table, so that its indexes can be used.
create view stockroom_api.order_keys as
select o.id as order_id, o.payment_id, o.charge_id, o.session_id, lower(o.number) as number, lower(o.email) as email,
       o.cart_state, o.dispute, o.paid_at, o.amount, concat_ws(' ', o.email, o.name) as buyer
  from stockroom.orders o;

-- The columns by which order lines are searched; `code` is in lower case, or null if it is the id of the variant.
create view stockroom_api.line_keys as
select l.order_id, l.variant_id, nullif(lower(l.code), l.variant_id::text) as code, l.state
  from stockroom.order_lines l where l.state <> 'replaced';

-- Codes of a variant that a cart can use: its SKU in lower case, the others as written. Codes that people gave are in `code_choices`.
create view stockroom_api.variant_codes as
select v.id as variant_id, lower(v.sku) as code from public.product_variants v
union all
select v.id, v.barcode from public.product_variants v where v.barcode is not null
union all
select v.id, v.stripe_price_id from public.product_variants v where v.stripe_price_id is not null
union all
select a.variant_id, a.code from stockroom_api.meanings_in_force a where a.variant_id is not null;

-- Orders with the sums of their lines, refunds and open cases, to read a page of them. `missing` units wait for a person.
create view stockroom_api.order_rows as
select o.id as order_id, o.payment_id, o.number, stockroom_api.order_name(o) as title, o.charge_id, o.session_id, o.email, o.name,
       o.amount, o.currency, o.paid_at, o.livemode, o.policy, o.cart_state, o.cart_source, o.cart_raw, o.difference, o.tolerated,
       o.tolerance, o.dispute, o.imported_at,
       l.lines, l.units, l.taken, l.oversold, l.restored, l.missing, r.refunds, r.refunded, r.undecided,
       (select count(*) from stockroom.alerts a where a.order_id = o.id and a.state <> 'resolved') as cases
  from stockroom.orders o
 cross join lateral (
    select count(*) filter (where x.part_of is null and x.exchange_of is null) as lines,
           coalesce(sum(x.quantity) filter (where x.state not in ('bundle', 'no_goods') and x.exchange_of is null), 0) as units,
           coalesce(sum(x.taken) filter (where x.exchange_of is null), 0) as taken,
           coalesce(sum(x.oversold) filter (where x.cause is distinct from 'refunded'), 0) as oversold,
           coalesce(sum(x.restored), 0) as restored,
           coalesce(sum(x.quantity - x.taken - x.oversold) filter (where x.state = 'failed'), 0) as missing
      from stockroom.order_lines x where x.order_id = o.id and x.state <> 'replaced') l
 cross join lateral (
    select count(*) as refunds, coalesce(sum(x.amount) filter (where x.state not in ('failed', 'released')), 0) as refunded,
           count(*) filter (where x.state in ('waiting', 'inspecting')) as undecided
      from stockroom.refunds x where x.order_id = o.id) r;

-- The name of each order for people.
create view stockroom_api.order_names as
select o.id as order_id, stockroom_api.order_name(o) as name from stockroom.orders o;

-- The lines of an order with their variant as it is now, without those that were replaced. `spoken_for`: refunded units that, by
-- decision, will not come back. `variants`: those that the code of an open line could mean, if there are several. `place`: a part
-- stands where its bundle does.
create view stockroom_api.order_line_rows as
select l.id as line_id, l.order_id, l.position, l.part_of, coalesce(b.position, l.position) as place, l.exchange_of, l.awaited_at, l.code, l.codes, l.name, l.unit_price, l.quantity, l.variant_id, v.sku,
       p.name as product, coalesce(v.size, l.size) as size, v.computed_available_stock as available, l.state, l.cause, l.taken,
       l.oversold, l.restored, case l.state when 'failed' then l.quantity - l.taken - l.oversold else 0 end as missing,
       (select coalesce(sum(d.quantity), 0) from stockroom_api.order_decisions d
         where d.line_id = l.id and d.stands and d.disposition in ('damaged', 'not_returned', 'goodwill')) as spoken_for,
       (select w.unit_worth from stockroom_api.line_worth w where w.line_id = l.id) as unit_worth,
       (select coalesce(sum(i.units), 0)::int from stockroom_api.inspections i where i.line_id = l.id) as in_inspection,
       case when l.state = 'failed' and l.variant_id is null then
           (select u.variants from stockroom_api.unclear(l.code, l.codes, coalesce(l.size, '')) u) end as variants
  from stockroom.order_lines l
  left join stockroom.order_lines b on b.id = l.part_of
  left join public.product_variants v on v.id = l.variant_id
  left join public.products p on p.id = v.product_id
 where l.state <> 'replaced';

-- Refunds, with their order once it is known. `seen`: the decisions about its goods so far, for a page to say what it showed.
create view stockroom_api.refund_rows as
select r.id, r.refund_id, r.order_id, coalesce(o.payment_id, r.payment_id, r.charge_id) as payment_id, o.number,
       stockroom_api.order_name(o) as order_name, o.email,
       o.cart_state, r.kind, r.amount, r.currency, r.status, r.reason, r.failure_reason, r.refunded_at, r.state, r.decided_at,
       r.decided_by, case when o.currency = r.currency then o.amount end as paid, stockroom_api.decided_until(r.order_id) as seen
  from stockroom.refunds r
  left join stockroom.orders o on o.id = r.order_id;

-- The decisions about the goods of orders, with the present SKU, or else the code from the cart. `decided` is the key of the
-- operation, by which it can be taken back; `user_id` is who made it.
create view stockroom_api.decision_rows as
select d.id as decision_id, d.refund_id, d.order_id, coalesce(v.sku, l.code, '') as code, d.disposition, d.quantity, d.note,
       d.movement_id, d.decided_by, d.decided_at, d.stands, d.taken_back_by, d.taken_back_at, p.key as decided, p.user_id,
       '/picture/' || i.digest as picture
  from stockroom_api.order_decisions d
  left join stockroom.decision_pictures i on i.operation_id = d.operation_id
  join stockroom.operations p on p.id = d.operation_id
  left join stockroom.order_lines l on l.id = d.line_id
  left join public.product_variants v on v.id = l.variant_id;

-- The units in inspection of each variant and refund, since when, who has them, and what was noted and photographed.
create view stockroom_api.inspection_rows as
select i.decision_id, i.refund_id, i.order_id, stockroom_api.order_name(o) as title, i.variant_id, i.line_id, i.units, i.note,
       i.decided_by, i.decided_at, '/picture/' || p.digest as picture
  from stockroom_api.inspections i
  join stockroom.orders o on o.id = i.order_id
  left join stockroom.decision_pictures p on p.operation_id = i.operation_id;

-- Everything that happened to an order. `kind` says what the other columns mean; `place` sorts steps of the same moment.
-- Movements are placed by when they were recorded. A decision to restock is left out, because its movement is listed.
create view stockroom_api.order_steps as
select o.id as order_id, o.paid_at as at, 0 as place, o.id as id, 'paid' as kind, 'Stripe' as who, null::text as what,
       null::text as state, null::text as subject, null::bigint as units, o.amount as amount, null::text as note
  from stockroom.orders o
union all
select o.id, e.received_at, 1, e.id, 'message', 'Stripe', e.kind, e.state, e.source, null, null, e.why
  from stockroom.orders o join stockroom.stripe_events e on e.payment_id = o.payment_id
union all
select o.id, o.imported_at, 2, o.id, 'recorded', 'Stockroom', o.policy, o.cart_state, o.cart_source, null, null, null
  from stockroom.orders o
union all
select c.order_id, c.changed_at, 2, c.id, 'lines', c.changed_by, case when c.undoes is null then 'entered' else 'undone' end,
       c.before ->> 'said', c.after ->> 'said', null, null, c.note
  from stockroom.line_changes c
union all
select l.order_id, m.recorded_at, 3, m.movement_id, 'movement', m.performed_by, m.movement_type, m.reason_label, m.sku,
       m.quantity, null, m.note
  from stockroom.order_lines l
  join stockroom_api.line_movements x on x.line_id = l.id
  join stockroom_api.movements m on m.movement_id = x.movement_id
union all
select r.order_id, r.refunded_at, 4, r.id, 'refund', 'Stripe',
       case when r.kind = 'dispute' then case r.status when 'succeeded' then 'lost' else 'won' end
            when r.state = 'released' then 'released' else r.status end, r.state, r.refund_id, null, r.amount,
       coalesce(r.failure_reason, r.reason)
  from stockroom.refunds r
union all
select d.order_id, w.at, 5, d.id, w.kind, w.who, d.disposition, null, coalesce(v.sku, l.code), d.quantity, null, w.note
  from stockroom_api.order_decisions d
 cross join lateral (values ('decision', d.decided_by, d.decided_at, d.note), ('taken_back', d.taken_back_by, d.taken_back_at, null))
            w (kind, who, at, note)
  left join stockroom.order_lines l on l.id = d.line_id
  left join public.product_variants v on v.id = l.variant_id
 where d.movement_id is null and w.at is not null
union all
select a.order_id, h.at, 6, h.id, 'case', h.who, h.what, a.kind, null, null, null,
       case h.what when 'opened' then coalesce(h.note, a.sentence) else h.note end
  from stockroom.alerts a
  join stockroom.alert_history h on h.alert_id = a.id and h.what <> 'repeated';

-- The holds made for an order: the hold that its payment names, or the hold that names its payment.
create view stockroom_api.order_holds as
select o.id as order_id, r.id from stockroom.orders o join stockroom.reservations r on r.id = o.reservation_id
union
select o.id, r.id from stockroom.orders o join stockroom.reservations r on r.payment_id = o.payment_id;

grant select on stockroom_api.order_keys, stockroom_api.line_keys, stockroom_api.variant_codes, stockroom_api.order_rows,
    stockroom_api.order_line_rows, stockroom_api.refund_rows, stockroom_api.decision_rows, stockroom_api.order_steps,
    stockroom_api.order_holds, stockroom_api.order_names, stockroom_api.inspection_rows to stockroom_app;
