-- What has come of the things that people tried in the sample shop.

-- Each try with the message about its payment, the order, the case, and the run of the job after one whose worker was killed.
create view stockroom_api.try_states as
select t.id, t.key, t.what, t.who, t.begun_at, t.facts, e.received_at, e.source, o.id as order_id, o.imported_at as ordered_at,
       a.id as alert_id, a.first_at as alerted_at, r.began_at as again_at,
       t.facts ? 'problem' or case t.what
           when 'lost_webhook' then o.id is not null
           when 'oversell' then a.id is not null
           when 'last_one' then o.id is not null
           when 'unread_cart' then a.id is not null
           else r.began_at is not null and o.id is not null end as is_over
  from stockroom.sandbox_tries t
  left join lateral (select s.received_at, s.source from stockroom.stripe_events s
                      where s.payment_id = t.facts ->> 'payment_id' order by s.id limit 1) e on true
  left join stockroom.orders o on o.payment_id = t.facts ->> 'payment_id'
  left join lateral (select c.id, c.first_at from stockroom.alerts c
                      where c.order_id = o.id and c.kind in ('insufficient_stock', 'unreadable_cart') order by c.id limit 1) a on true
  left join lateral (select j.began_at from stockroom.job_runs j
                      where j.name = 'apply_inbox' and j.id > (t.facts ->> 'run_id')::bigint order by j.id limit 1) r on true;

-- The last try of each kind.
create view stockroom_api.last_tries as
select distinct on (s.what) s.id, s.what, s.who, s.begun_at, s.facts, s.received_at, s.source, s.order_id, s.ordered_at, s.alert_id,
       s.alerted_at, s.again_at, s.is_over
  from stockroom_api.try_states s
 order by s.what, s.id desc;

grant select on stockroom_api.last_tries to stockroom_app;
