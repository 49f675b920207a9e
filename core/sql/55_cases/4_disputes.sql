-- Disputes: recorded as Stripe reports them; a lost one becomes a refund to decide.

-- A dispute as Stripe reports it; `asked_at` as for a refund.
create type stockroom_api.told_dispute as (
    dispute_id text, payment_id text, charge_id text, amount bigint, currency text, status text, reason text, due_by timestamptz,
    disputed_at timestamptz, told_at timestamptz, asked_at timestamptz
);

-- The latest of several messages about each dispute. `is_unclear`: messages of the same second name different states.
create function stockroom_api.latest_disputes(_disputes jsonb)
    returns table (told stockroom_api.told_dispute, is_unclear boolean, order_id bigint)
    language sql stable as $$
    select distinct on (t.dispute_id) row (t.*)::stockroom_api.told_dispute,
           t.asked_at is null and min(t.status) over same <> max(t.status) over same, o.id
      from jsonb_populate_recordset(null::stockroom_api.told_dispute, _disputes) t
      left join stockroom.orders o on o.payment_id = coalesce(t.payment_id, t.charge_id) or o.charge_id = t.charge_id
    window same as (partition by t.dispute_id, t.told_at, t.asked_at)
     order by t.dispute_id, greatest(t.told_at, t.asked_at) desc, t.asked_at desc nulls last, stockroom_api.state_rank(t.status) desc;
$$;

-- Record disputes and link each to its order if that is known. What counts is decided as for refunds. A dispute is about money and
-- moves no stock: its case is open until the bank has decided, and a lost one asks what became of the goods.
create function stockroom_api.record_disputes(_disputes jsonb) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _changed bigint[];
begin
    perform 1 from stockroom.orders o
      where o.id in (select l.order_id from stockroom_api.latest_disputes(_disputes) l) order by o.id for no key update;
    update stockroom.disputes d set is_unclear = true
      from stockroom_api.latest_disputes(_disputes) l
     where d.dispute_id = (l.told).dispute_id and (l.told).asked_at is null and d.status <> (l.told).status
       and (l.told).told_at between d.told_at and greatest(d.told_at, d.asked_at);
    with known as materialized (
        select d.dispute_id, d.status, d.due_by, d.amount from stockroom.disputes d
         where d.dispute_id in (select (l.told).dispute_id from stockroom_api.latest_disputes(_disputes) l)
    ), saved as (
        insert into stockroom.disputes as d (dispute_id, order_id, payment_id, charge_id, amount, currency, status, reason, due_by,
               disputed_at, told_at, asked_at, is_unclear)
        select t.dispute_id, l.order_id, t.payment_id, t.charge_id, t.amount, t.currency, t.status, t.reason, t.due_by, t.disputed_at,
               t.told_at, t.asked_at, l.is_unclear
          from stockroom_api.latest_disputes(_disputes) l cross join lateral (select (l.told).*) t
         order by t.dispute_id
        on conflict (dispute_id) do update
           set status = excluded.status, amount = excluded.amount, reason = coalesce(excluded.reason, d.reason),
               due_by = coalesce(excluded.due_by, d.due_by), told_at = greatest(d.told_at, excluded.told_at), asked_at = excluded.asked_at,
               is_unclear = excluded.asked_at is null and (excluded.is_unclear or d.is_unclear and d.told_at = excluded.told_at),
               order_id = coalesce(d.order_id, excluded.order_id), payment_id = coalesce(d.payment_id, excluded.payment_id),
               charge_id = coalesce(d.charge_id, excluded.charge_id)
         where stockroom_api.counts_more(d.told_at, d.asked_at, d.status, excluded.told_at, excluded.asked_at, excluded.status)
        returning d.*
    )
    select array_agg(s.id) into _changed
      from saved s left join known k on k.dispute_id = s.dispute_id
     where (k.status, k.due_by, k.amount) is distinct from (s.status, s.due_by, s.amount);
    if _changed is not null then
        perform stockroom_api.flag_disputes(array(select d.order_id from stockroom.disputes d where d.id = any (_changed)));
        perform stockroom_api.say_disputes(_changed);
        perform stockroom_api.decide_lost(_changed);
    end if;
end $$;

-- Record each lost one of these disputes as a refund to decide. One that was won after all is recorded as a refund that failed.
create function stockroom_api.decide_lost(_ids bigint[]) returns void
    language plpgsql as $$
declare
    _rows jsonb := (
        select jsonb_agg(jsonb_build_object('refund_id', d.dispute_id, 'payment_id', d.payment_id, 'charge_id', d.charge_id,
                   'amount', d.amount, 'currency', d.currency, 'status', case d.status when 'lost' then 'succeeded' else 'failed' end,
                   'reason', d.reason, 'refunded_at', d.told_at, 'told_at', d.told_at,
                   'asked_at', greatest(clock_timestamp(), d.told_at, d.asked_at), 'kind', 'dispute'))
          from stockroom.disputes d
         where d.id = any (_ids)
           and (d.status = 'lost' or exists (select from stockroom.refunds r where r.refund_id = d.dispute_id)));
begin
    if _rows is not null then
        perform stockroom_api.record_refunds(_rows);
    end if;
end $$;

-- The refunds and disputes whose state Stripe has to be asked for, oldest first.
create view stockroom_api.unclear_states as
select r.refund_id as id, 'refund' as kind, r.told_at from stockroom.refunds r where r.is_unclear
union all
select d.dispute_id, 'dispute', d.told_at from stockroom.disputes d where d.is_unclear;

-- Leave refunds and disputes as they are that Stripe does not have anymore, or whose answer cannot be read.
create function stockroom_api.stop_asking(_ids text[]) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    update stockroom.refunds set is_unclear = false where refund_id = any (_ids) and is_unclear;
    update stockroom.disputes set is_unclear = false where dispute_id = any (_ids) and is_unclear;
$$;

-- Refunds of payments that were given up before they were paid released money, and nobody has to decide about them.
create function stockroom_api.release_refunds(_payment_ids text[]) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    update stockroom.refunds set state = 'released'
     where payment_id = any (_payment_ids) and order_id is null and state = 'waiting';
$$;

grant select on stockroom_api.unclear_states to stockroom_app;
grant execute on function
    stockroom_api.record_disputes(jsonb), stockroom_api.stop_asking(text[]), stockroom_api.release_refunds(text[]) to stockroom_app;
