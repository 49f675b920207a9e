-- The lists about programs as files: messages to them, and what the Stripe guard did. core/screens/lists.py has the same columns.

-- Messages to programs, without their texts, URLs and secrets.
create view stockroom_api.file_webhook_messages as
select d.id as delivery_id, h.name as webhook, e.message_id, e.kind, e.body ->> 'sku' as sku, e.body ->> 'order' as order_number, d.state,
       d.attempts, d.status, d.answer, e.created_at, case when d.state = 'waiting' then d.due_at end as next_at, d.finished_at
  from stockroom.hook_deliveries d
  join stockroom.hook_events e on e.id = d.event_id
  join stockroom.hook_endpoints h on h.id = d.endpoint_id;

-- The record of the Stripe guard.
create view stockroom_api.file_stripe_guard as
select a.id as act_id, a.act, a.object_id,
       (select string_agg(f.sku || ': ' || f.available || ' of ' || f.least, '; ' order by f.sku)
          from jsonb_to_recordset(a.found) f (sku text, least int, available int)) as found,
       a.asked, a.state, a.answer, a.mode, a.set_by, a.most_per_hour, a.created_at, a.answered_at
  from stockroom.guard_acts a;

grant select on stockroom_api.file_webhook_messages, stockroom_api.file_stripe_guard to stockroom_app;
