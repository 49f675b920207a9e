-- The shop's name, its currency, and the time zone in which its days begin and end.

-- Sum the rollups again, each movement on its day in the current time zone: delete days without movements, and write the days
-- that differ. The caller has locked `variant_days` against postings.
create function stockroom_api.rebuild_days() returns void
    language sql set jit = off set work_mem = '64MB' as $$
    delete from stockroom.shop_days;
    delete from stockroom.closed_months;
    with ledger as materialized (
        select * from stockroom_api.ledger_days
    ), gone as (
        delete from stockroom.variant_days d
         where not exists (select from ledger l where l.variant_id = d.variant_id and l.day = d.day)
    )
    insert into stockroom.variant_days as d (variant_id, day, purchase_in, purchase_out, sale_in, sale_out, restoration_in,
           restoration_out, adjustment_in, adjustment_out, count_in, count_out, movements, closing)
    select l.variant_id, l.day, l.purchase_in, l.purchase_out, l.sale_in, l.sale_out, l.restoration_in,
           l.restoration_out, l.adjustment_in, l.adjustment_out, l.count_in, l.count_out, l.movements, l.closing
      from ledger l
    on conflict (variant_id, day) do update
       set purchase_in = excluded.purchase_in, purchase_out = excluded.purchase_out, sale_in = excluded.sale_in,
           sale_out = excluded.sale_out, restoration_in = excluded.restoration_in, restoration_out = excluded.restoration_out,
           adjustment_in = excluded.adjustment_in, adjustment_out = excluded.adjustment_out, count_in = excluded.count_in,
           count_out = excluded.count_out, movements = excluded.movements, closing = excluded.closing
     where d is distinct from excluded;
$$;

-- Lock out postings, and readers that sum days, until the transaction ends. It waits for postings in progress. A later posting
-- waits for this lock before it reads the time zone, so it uses the new one.
create function stockroom_api.hold_days() returns void
    language plpgsql as $$
begin
    lock table stockroom.variant_days in share row exclusive mode;
    perform pg_advisory_xact_lock_shared(hashtext('stockroom.shop_days'));
end $$;

-- Change what is not null. Returns whether the days have moved: another time zone sums the rollups again in the same
-- transaction. Refuses: SK008 (a time zone that this database does not know), SK009, SK010.
create function stockroom_api.change_shop(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _shop_name text, _zone text, _currency text
) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _before stockroom.shop;
    _after stockroom.shop;
begin
    select * into strict _before from stockroom.shop for no key update;
    if _zone <> _before.zone then
        if not exists (select from pg_timezone_names z where z.name = _zone) then
            perform stockroom_api.refuse_value('time zone', format('"%s" is not known to this database', _zone));
        end if;
        perform stockroom_api.hold_days();
    end if;
    update stockroom.shop
       set name = coalesce(_shop_name, name), zone = coalesce(_zone, zone), currency = coalesce(_currency, currency)
    returning * into _after;
    if _after.zone <> _before.zone then
        perform stockroom_api.rebuild_days();
    end if;
    perform stockroom_api.note_change(_user_id, _performed_by, 'shop_changed', _after.name,
        jsonb_build_object('name', _before.name, 'zone', _before.zone, 'currency', _before.currency),
        jsonb_build_object('name', _after.name, 'zone', _after.zone, 'currency', _after.currency));
    return _after.zone <> _before.zone;
end $$;

grant execute on function stockroom_api.change_shop(bigint, bigint, text[], text, text, text, text) to stockroom_app;
