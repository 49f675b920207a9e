-- The last four digits of cards, read from the messages that the inbox keeps.

-- The last four digits of the card in a stored message of Stripe, of any API version, and the payment that was made with it; no row if
-- it names none.
create function stockroom_api.card_of(_body text) returns table (payment_id text, last4 text)
    language plpgsql immutable as $$
declare
    _object jsonb;
    _charge jsonb;
begin
    _object := coalesce(_body::jsonb #> '{data,object}', _body::jsonb);
    _charge := case _object ->> 'object' when 'charge' then _object
                    else coalesce(case jsonb_typeof(_object -> 'latest_charge') when 'object' then _object -> 'latest_charge' end,
                                  jsonb_path_query_first(_object, '$.charges.data[*] ? (@.status == "succeeded")')) end;
    return query
        select x.payment_id, x.last4
          from (select coalesce(_charge ->> 'payment_intent', _charge ->> 'id') as payment_id,
                       coalesce(_charge #>> '{payment_method_details,card,last4}', _charge #>> '{source,last4}',
                                _charge #>> '{card,last4}') as last4) x
         where x.last4 ~ '^[0-9]{4}$' and x.payment_id is not null and coalesce(_charge ->> 'status', '') <> 'failed';
exception when others then
    return;  -- a message that PostgreSQL cannot read as JSON names no card
end $$;

-- Read the cards in the next `_limit` stored messages; returns how many were read. The messages of the last seconds may still be
-- joined by earlier ones, so they are left for the next time.
create function stockroom_api.read_cards(_limit int) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _from bigint := (select event_id from stockroom.cards_read for update skip locked);
    _ids bigint[] := array(
        select e.id from stockroom.stripe_events e
         where e.id > _from and e.received_at < clock_timestamp() - interval '10 seconds'
         order by e.id limit _limit);
begin
    if cardinality(_ids) = 0 then
        return 0;
    end if;
    insert into stockroom.payment_cards as c (payment_id, last4)
    select distinct on (f.payment_id) f.payment_id, f.last4
      from stockroom.stripe_events e cross join lateral stockroom_api.card_of(e.body) f
     where e.id = any (_ids) and (e.kind like 'charge.%' or e.kind like 'payment_intent.%')
     order by f.payment_id, e.created_at desc, e.id desc
        on conflict (payment_id) do update set last4 = excluded.last4 where c.last4 <> excluded.last4;
    update stockroom.cards_read set event_id = _ids[cardinality(_ids)];
    return cardinality(_ids);
end $$;

grant execute on function stockroom_api.read_cards(int) to stockroom_app;
