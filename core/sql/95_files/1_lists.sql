-- The lists as files, one view a list. core/screens/lists.py declares the same columns in the same order. Money is in whole units
-- of its currency, exact; moments have their zone.

-- An amount of minor units in whole units of its currency: 25.90, 12900.
create function stockroom_api.major_units(_amount bigint, _currency text) returns numeric
    language sql immutable security definer set search_path = pg_catalog, pg_temp
    return round(_amount / 10::numeric ^ stockroom_api.currency_digits(coalesce(_currency, 'EUR')),
                 stockroom_api.currency_digits(coalesce(_currency, 'EUR')));

-- Every variant with its product.
create view stockroom_api.file_variants as
select v.id as variant_id, v.sku, v.product_id, p.name as product, p.brand, v.size, v.color, v.barcode, p.price as product_price,
       v.price as variant_price, v.unit_cost, v.reorder_point, v.stripe_price_id, v.is_active, v.created_at,
       v.shelf_place
  from public.product_variants v
  join public.products p on p.id = v.product_id;

-- Every variant with its level, what it sold in the last 30 days, and how long its units last at the rate of its days in stock.
create view stockroom_api.file_stock as
select l.sku, l.barcode, l.product, l.brand, l.size, l.color, l.on_hand, l.reserved, l.available, l.reorder_point,
       coalesce(i.sold, 0) as sold_30_days,
       case when i.rate > 0 then round(l.available / i.rate, 1) end as cover_days, l.last_moved_at, l.last_counted_at,
       l.shelf_place, l.average_cost
  from stockroom_api.levels l
  left join (select n.* from stockroom_api.shop s
              cross join stockroom_api.in_stock(array(select v.id from public.product_variants v), s.today - 29, s.today + 1) n) i
       on i.variant_id = l.variant_id;

-- Every step of the average costs.
create view stockroom_api.file_costs as
select k.sku, k.kind, k.source, k.unit_cost, k.average as average_cost, k.on_hand, k.movement_id, k.quantity, k.performed_by, k.note, k.at,
       row_number() over (partition by k.variant_id order by k.sequence, k.place) as step
  from stockroom_api.cost_history k;

-- The ledger.
create view stockroom_api.file_movements as
select m.movement_id, m.occurred_at, m.recorded_at, m.sku, m.product, m.size, m.movement_type, m.reason, m.quantity,
       m.quantity_before, m.quantity_after, m.variant_sequence, m.reference_type, m.reference_id, m.performed_by, m.note,
       m.reverses_id, m.reversed_by, m.brand
  from stockroom_api.movements m;

-- Units in and out of each variant by type, for each day with a movement.
create view stockroom_api.file_days as
select d.day, v.sku, d.purchase_in, d.purchase_out, d.sale_in, d.sale_out, d.restoration_in, d.restoration_out, d.adjustment_in,
       d.adjustment_out, d.count_in, d.count_out, d.movements, d.closing
  from stockroom.variant_days d
  join public.product_variants v on v.id = d.variant_id;

-- The units of each hold.
create view stockroom_api.file_holds as
select r.id as hold_id, r.reference, r.payment_id, r.held_by, r.state, v.sku, l.quantity, r.created_at, r.expires_at, r.ended_at
  from stockroom_api.reservations r
  join stockroom.reservation_lines l on l.reservation_id = r.id
  join public.product_variants v on v.id = l.variant_id;

-- Paid orders with the sums of their lines.
create view stockroom_api.file_orders as
select o.order_id, o.number, o.payment_id, o.charge_id, o.session_id, o.email, o.name,
       stockroom_api.major_units(o.amount, o.currency) as amount, o.currency, o.paid_at, o.imported_at, o.livemode, o.policy,
       o.cart_state, o.cart_source, stockroom_api.major_units(o.difference, o.currency) as difference, o.dispute, o.lines, o.units,
       o.taken, o.oversold, o.restored, o.missing, o.refunds,
       stockroom_api.major_units(o.refunded::bigint, o.currency) as refunded, o.undecided as refunds_undecided, o.cases as open_cases
  from stockroom_api.order_rows o;

-- The lines of orders.
create view stockroom_api.file_order_lines as
select l.id as line_id, l.order_id, o.number, l.position, l.part_of, l.exchange_of, l.code, l.name, v.sku, coalesce(v.size, l.size) as size,
       stockroom_api.major_units(l.unit_price, o.currency) as unit_price, o.currency, l.quantity, l.state, l.cause, l.taken,
       l.oversold, l.restored
  from stockroom.order_lines l
  join stockroom.orders o on o.id = l.order_id
  left join public.product_variants v on v.id = l.variant_id;

-- The lines of orders that buyers wait for.
create view stockroom_api.file_waiting as
select w.line_id, w.order_id, w.order_name, w.buyer, w.email, w.paid_at, w.sku, w.product, w.size, w.units, w.available, w.ahead, w.is_here,
       w.awaited_at
  from stockroom_api.waiting_lines w;

-- What people changed in the lines of orders.
create view stockroom_api.file_line_changes as
select c.change_id, c.order_id, o.number, c.changed_by, c.changed_at, c.note, c.before, c.after
  from stockroom_api.line_changes c
  join stockroom.orders o on o.id = c.order_id;

-- Refunds, and lost disputes, which are decided like refunds.
create view stockroom_api.file_refunds as
select r.refund_id, r.order_id, o.number, coalesce(o.payment_id, r.payment_id) as payment_id, r.kind,
       stockroom_api.major_units(r.amount, r.currency) as amount, r.currency, r.status, r.reason, r.failure_reason, r.refunded_at,
       r.state, r.decided_at, r.decided_by
  from stockroom.refunds r
  left join stockroom.orders o on o.id = r.order_id;

-- The decisions about refunded goods.
create view stockroom_api.file_decisions as
select d.decision_id, d.order_id, o.number, r.refund_id, d.code, d.disposition, d.quantity, d.note, d.movement_id, d.decided_by,
       d.decided_at, d.stands, d.taken_back_by, d.taken_back_at
  from stockroom_api.decision_rows d
  join stockroom.orders o on o.id = d.order_id
  left join stockroom.refunds r on r.id = d.refund_id;

-- Disputes.
create view stockroom_api.file_disputes as
select d.dispute_id, d.order_id, o.number, coalesce(o.payment_id, d.payment_id) as payment_id,
       stockroom_api.major_units(d.amount, d.currency) as amount, d.currency, d.status, d.reason, d.disputed_at, d.due_by
  from stockroom.disputes d
  left join stockroom.orders o on o.id = d.order_id;

-- Cases: failed updates, low levels and the machinery.
create view stockroom_api.file_cases as
select a.alert_id, a.kind, a.severity, a.state, a.sentence, a.order_number, a.payment_id, a.stripe_refund_id, a.sku, a.units,
       case when a.currency is not null then stockroom_api.major_units(a.money, a.currency) end as money, a.currency, a.seen,
       a.attempts, a.first_at, a.last_at, a.assigned_name, a.snoozed_until, a.resolved_at, a.resolved_by, a.resolution
  from stockroom_api.alert_rows a;

-- What happened to each case.
create view stockroom_api.file_case_steps as
select h.id as step_id, h.alert_id, h.at, h.who, h.what, h.note from stockroom.alert_history h;

-- The meanings that people gave to codes in carts.
create view stockroom_api.file_codes as
select m.meaning_id, m.code, m.kind, m.means, m.number as only_in_order, m.orders, m.added_by, m.added_at, m.ended_by, m.ended_at
  from stockroom_api.meaning_rows m;

-- Stripe's messages, without their bodies.
create view stockroom_api.file_messages as
select e.id as message_id, e.event_id, e.kind, e.object_id, e.payment_id, e.created_at, e.received_at, e.source, e.livemode,
       e.api_version, e.state, e.why, e.attempts, e.finished_at
  from stockroom.stripe_events e;

-- The runs of reconciliation.
create view stockroom_api.file_proof_runs as
select h.id as run_id, h.began_at, h.ended_at, h.performed_by, h.is_full, h.head_hash, h.checks,
       array_to_string(h.failing, ' ') as failing, array_to_string(h.uncompared, ' ') as not_compared
  from stockroom_api.proof_history h;

-- The result of each check in each run.
create view stockroom_api.file_proof_results as
select r.run_id, r.code, r.title, r.checked, r.failures,
       (select string_agg(e.fault, '; ' order by e.n) from jsonb_array_elements_text(r.examples) with ordinality e (fault, n)) as examples,
       r.not_compared
  from stockroom_api.proof_results r;

-- The payment-to-shelf proof by day of payment.
create view stockroom_api.file_proof_days as
select d.day, d.orders, d.unread, d.inbox, d.paid, d.sold, d.put_back, d.net, d.after_refund, d.waiting, d.oversold,
       d.recorded_only, d.unexplained
  from stockroom_api.shelf_days('-infinity', 'infinity') d;

-- The reasons of movements.
create view stockroom_api.file_reasons as
select r.movement_type, r.reason, r.label, r.sign, r.note_required, r.by_hand, r.is_active from stockroom.reasons r;

-- Accounts, without anything that signs in.
create view stockroom_api.file_people as
select u.id as person_id, u.name, u.email, u.role, u.is_active, u.created_at,
       (select max(s.created_at) from stockroom.sessions s where s.user_id = u.id) as last_signed_in_at
  from stockroom.users u;

-- Changes of accounts and settings.
create view stockroom_api.file_changes as
select a.id as change_id, a.at, a.performed_by, a.change, a.subject, a.before::text as before, a.after::text as after
  from stockroom.audit a;

-- API keys, without the keys.
create view stockroom_api.file_api_keys as
select k.id as key_id, k.name, array_to_string(k.scopes, ' ') as scopes, k.rate_per_minute, k.made_by, k.created_at, k.last_used_at,
       k.revoked_at, k.revoked_by
  from stockroom.api_keys k;

-- The destinations of messages about cases.
create view stockroom_api.file_destinations as
select d.name, d.is_on, d.min_severity, d.urgent_passes, d.digest, d.daily_proof, d.place, d.waiting
  from stockroom_api.destinations d;

-- Messages to people and their delivery, without addresses and texts.
create view stockroom_api.file_deliveries as
select d.id as delivery_id, d.kind, d.destination, case when d.kind <> 'order' then d.title end as title, d.alert_id, d.order_id,
       d.state, d.attempts, d.created_at, d.due_at, d.finished_at, d.why
  from stockroom.deliveries d;

-- The jobs of the worker with their last run.
create view stockroom_api.file_jobs as
select j.name, j.title, j.period as period_seconds, j.is_daily, j.limit_seconds, j.off_at, j.off_by, j.last_began_at, j.last_ended_at,
       j.last_outcome, j.next_at, j.overdue, j.failing
  from stockroom_api.job_states j;

-- The runs of the jobs.
create view stockroom_api.file_job_runs as
select r.id as run_id, r.name, r.began_at, r.ended_at, r.outcome, array_to_string(r.said, '; ') as said, r.worker, r.asked_by
  from stockroom_api.job_runs r;

-- Backups.
create view stockroom_api.file_backups as
select b.id as backup_id, b.file, b.made_at, b.size_bytes, b.sha256, b.head_hash, b.movements, b.server_version, b.proven_at,
       b.failed_at, b.why
  from stockroom_api.backups b;

grant execute on function stockroom_api.major_units(bigint, text) to stockroom_app;
grant select on stockroom_api.file_variants, stockroom_api.file_costs, stockroom_api.file_stock, stockroom_api.file_movements,
    stockroom_api.file_days, stockroom_api.file_holds, stockroom_api.file_orders, stockroom_api.file_order_lines,
    stockroom_api.file_waiting, stockroom_api.file_line_changes,
    stockroom_api.file_refunds, stockroom_api.file_decisions, stockroom_api.file_disputes, stockroom_api.file_cases,
    stockroom_api.file_case_steps, stockroom_api.file_codes, stockroom_api.file_messages, stockroom_api.file_proof_runs,
    stockroom_api.file_proof_results, stockroom_api.file_proof_days, stockroom_api.file_reasons, stockroom_api.file_people,
    stockroom_api.file_changes, stockroom_api.file_api_keys, stockroom_api.file_destinations, stockroom_api.file_deliveries,
    stockroom_api.file_jobs, stockroom_api.file_job_runs, stockroom_api.file_backups
    to stockroom_app;
