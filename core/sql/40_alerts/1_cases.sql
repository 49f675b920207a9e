-- Cases that need a person. A cause has at most one open case, and every step is recorded.

-- The values of a new case.
create type stockroom_api.new_alert as (
    kind text, severity text, cause text, sentence text, facts jsonb, order_id bigint, refund_id bigint, variant_id uuid,
    event_id bigint, units int, money bigint, currency text
);

-- Open a case for each of `_alerts`. If the cause has an open case, that one is updated, counted once more, and woken. The history
-- keeps what was said each time.
create function stockroom_api.open_alerts(_alerts stockroom_api.new_alert[]) returns void
    language sql as $$
    with opened as (
        insert into stockroom.alerts as a (kind, severity, cause, sentence, facts, order_id, refund_id, variant_id, event_id,
               units, money, currency)
        select n.kind, n.severity, n.cause, left(n.sentence, 1000), coalesce(n.facts, '{}'), n.order_id, n.refund_id,
               n.variant_id, n.event_id, coalesce(n.units, 0), coalesce(n.money, 0), n.currency
          from unnest(_alerts) n
         order by n.cause
        on conflict (cause) where state <> 'resolved' do update
           set seen = a.seen + 1, last_at = now(), kind = excluded.kind, severity = excluded.severity,
               sentence = excluded.sentence, facts = excluded.facts, units = excluded.units, money = excluded.money,
               event_id = coalesce(excluded.event_id, a.event_id), order_id = coalesce(a.order_id, excluded.order_id),
               snoozed_until = null
        returning a.id, a.seen, a.sentence
    )
    insert into stockroom.alert_history (alert_id, who, what, note)
    select o.id, 'Stockroom', case o.seen when 1 then 'opened' else 'repeated' end, o.sentence from opened o;
$$;

-- Resolve the open case of a cause, if there is one: the cause is gone, or a person resolved it with a reason.
create function stockroom_api.resolve_cause(_cause text, _who text, _resolution text) returns void
    language sql as $$
    with resolved as (
        update stockroom.alerts
           set state = 'resolved', resolved_at = now(), resolved_by = _who, resolution = _resolution
         where cause = _cause and state <> 'resolved'
        returning id
    )
    insert into stockroom.alert_history (alert_id, who, what, note)
    select r.id, _who, 'resolved', _resolution from resolved r;
$$;

-- Count one more retry on the open case of a cause.
create function stockroom_api.note_try(_cause text, _who text) returns void
    language sql as $$
    with tried as (
        update stockroom.alerts set attempts = attempts + 1 where cause = _cause and state <> 'resolved' returning id
    )
    insert into stockroom.alert_history (alert_id, who, what) select t.id, _who, 'retried' from tried t;
$$;

-- Whether a case of this kind is about the installation, not about an order or a variant.
create function stockroom_api.is_system_kind(_kind text) returns boolean
    language sql immutable
    return _kind in ('proof_failed', 'job_stalled', 'bad_signature', 'shared_code', 'backup_failed', 'slowdown', 'database_died');

-- Open a case about the installation itself; the app's role may call this. Refuses: SK008 for any other kind.
create function stockroom_api.open_system_alert(_kind text, _severity text, _cause text, _sentence text, _facts jsonb)
    returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if stockroom_api.is_system_kind(_kind) is not true then
        perform stockroom_api.refuse_value('kind', 'is not about the installation itself');
    end if;
    perform stockroom_api.open_alerts(array[row (_kind, _severity, _cause, _sentence, _facts, null, null, null, null, 0, 0,
        null)::stockroom_api.new_alert]);
end $$;

-- Resolve the open case of a cause in the installation, if there is one: the cause is gone.
create function stockroom_api.resolve_system_alert(_cause text, _resolution text) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    select stockroom_api.resolve_cause(a.cause, 'Stockroom', _resolution)
      from stockroom.alerts a
     where a.cause = _cause and a.state <> 'resolved' and stockroom_api.is_system_kind(a.kind);
$$;

-- The cases, as pages and commands read them.
create view stockroom_api.alerts as
select a.*, o.payment_id, o.number as order_number, o.email, r.refund_id as stripe_refund_id, v.sku, u.name as assigned_name,
       coalesce(a.state <> 'resolved' and a.snoozed_until > now(), false) as is_snoozed,
       extract(epoch from coalesce(a.resolved_at, now()) - a.first_at)::bigint as age
  from stockroom.alerts a
  left join stockroom.orders o on o.id = a.order_id
  left join stockroom.refunds r on r.id = a.refund_id
  left join public.product_variants v on v.id = a.variant_id
  left join stockroom.users u on u.id = a.assigned_to;

-- The history of each case.
create view stockroom_api.alert_history as
select h.* from stockroom.alert_history h;

grant select on stockroom_api.alerts, stockroom_api.alert_history to stockroom_app;
grant execute on function
    stockroom_api.open_system_alert(text, text, text, text, jsonb), stockroom_api.resolve_system_alert(text, text)
    to stockroom_app;
