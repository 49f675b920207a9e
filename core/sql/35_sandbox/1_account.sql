-- The sandbox: the Stripe account of the sample shop. Its rules are in core/sandbox; these functions keep its objects.

-- Refuse in every shop but the sample shop.
create function stockroom_api.require_sample() returns void
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    if not (select is_sample from stockroom.shop) then
        perform stockroom_api.refuse_value('shop', 'is not the sample shop, so it has no sandbox of Stripe');
    end if;
end $$;

-- The account's secret for webhooks, and the address of the dashboard that receives them. Null if the account is not used yet.
create function stockroom_api.sandbox_webhook(out secret text, out url text)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require_sample();
    select a.webhook_secret, a.webhook_url into secret, url from stockroom.sandbox_account a;
end $$;

-- Note the address of the dashboard that receives the webhooks from now on.
create function stockroom_api.open_sandbox_webhook(_url text) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require_sample();
    insert into stockroom.sandbox_account (webhook_url) values (_url)
    on conflict (only_row) do update set webhook_url = excluded.webhook_url;
end $$;

-- Begin a change of the account: lock it, and return how many objects were made. Other changes wait until this one is over.
create function stockroom_api.begin_sandbox_change() returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require_sample();
    insert into stockroom.sandbox_account default values on conflict do nothing;
    return (select made from stockroom.sandbox_account for update);
end $$;

-- Store new and changed objects: `number`, `body`, `items` of a session, `lost` for an event that the webhook never receives.
create function stockroom_api.save_sandbox(_made bigint, _objects json) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require_sample();
    update stockroom.sandbox_account set made = _made;
    insert into stockroom.sandbox_objects as o (number, id, kind, created, payment_intent, charge, items, delivery, body)
    select n.number, n.body ->> 'id', n.body ->> 'object', (n.body ->> 'created')::bigint, n.body ->> 'payment_intent',
           n.body ->> 'charge', n.items,
           case when n.body ->> 'object' = 'event' then case when n.lost then 'lost' else 'waiting' end end, n.body
      from json_to_recordset(_objects) n (number bigint, items json, lost boolean, body json)
    on conflict (id) do update
       set body = excluded.body, payment_intent = excluded.payment_intent, items = coalesce(excluded.items, o.items);
end $$;

-- An object of a kind, with its number and its lines.
create function stockroom_api.sandbox_object(_kind text, _id text)
    returns table (number bigint, body json, items json)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require_sample();
    return query select o.number, o.body, o.items from stockroom.sandbox_objects o where o.kind = _kind and o.id = _id;
end $$;

-- Up to `_most` objects of a kind after the number `_after`, newest first or oldest first, within bounds of their creation, and of
-- one payment or charge.
create function stockroom_api.sandbox_objects(
    _kind text, _after bigint, _newest_first boolean, _since bigint, _until bigint, _payment text, _charge text, _most int)
    returns table (number bigint, body json)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require_sample();
    return query
    select o.number, o.body
      from stockroom.sandbox_objects o
     where o.kind = _kind
       and case when _newest_first then o.number < coalesce(_after, 9223372036854775807) else o.number > coalesce(_after, 0) end
       and o.created between coalesce(_since, 0) and coalesce(_until, 9223372036854775807)
       and (_payment is null or o.payment_intent = _payment)
       and (_charge is null or o.charge = _charge)
     order by case when _newest_first then -o.number else o.number end
     limit _most;
end $$;

-- Take up to `_most` events that the webhook has not received yet, oldest first. Two callers at once never take the same event.
create function stockroom_api.take_sandbox_events(_most int) returns setof json
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require_sample();
    return query
    with taken as (
        update stockroom.sandbox_objects o set delivery = 'sent'
         where o.number in (select w.number from stockroom.sandbox_objects w
                             where w.delivery = 'waiting' order by w.number limit _most for update skip locked)
        returning o.number, o.body
    )
    select t.body from taken t order by t.number;
end $$;

-- The answer to an earlier request with this idempotency key, and that request's parameters.
create function stockroom_api.sandbox_answer(_key text) returns table (params json, answer text)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require_sample();
    return query select a.params, a.answer from stockroom.sandbox_answers a where a.key = _key;
end $$;

-- Store the answer to a request with an idempotency key.
create function stockroom_api.save_sandbox_answer(_key text, _params json, _answer text) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require_sample();
    insert into stockroom.sandbox_answers (key, params, answer) values (_key, _params, _answer);
end $$;

grant execute on function
    stockroom_api.sandbox_webhook(),
    stockroom_api.open_sandbox_webhook(text),
    stockroom_api.begin_sandbox_change(),
    stockroom_api.save_sandbox(bigint, json),
    stockroom_api.sandbox_object(text, text),
    stockroom_api.sandbox_objects(text, bigint, boolean, bigint, bigint, text, text, int),
    stockroom_api.take_sandbox_events(int),
    stockroom_api.sandbox_answer(text),
    stockroom_api.save_sandbox_answer(text, json, text)
    to stockroom_app;
