-- Names of orders for people and for messages, and amounts of money as text.

-- An amount of minor units for people: 25.90 EUR, 12,900 JPY.
create function stockroom_api.money_text(_amount bigint, _currency text) returns text
    language sql immutable
    return to_char(_amount / 10::numeric ^ stockroom_api.currency_digits(_currency),
                   case stockroom_api.currency_digits(_currency) when 0 then 'FM999,999,999,999,999,990'
                       when 3 then 'FM999,999,999,999,990.000' else 'FM999,999,999,999,990.00' end)
           || ' ' || upper(_currency);

-- The amount and the moment of a payment, in the shop's zone: 24.00 EUR of 5 Jun 2026, 14:05.
create function stockroom_api.payment_name(_amount bigint, _currency text, _paid_at timestamptz) returns text
    language sql stable
    return stockroom_api.money_text(_amount, _currency) || ' of '
           || to_char(_paid_at at time zone (select s.zone from stockroom.shop s), 'FMDD Mon YYYY, HH24:MI');

-- The name of an order for people: its number, else buyer and amount, else amount and moment. Never an id of Stripe.
create function stockroom_api.order_name(_order stockroom.orders) returns text
    language sql stable security definer set search_path = pg_catalog, pg_temp
    return case when _order.id is null then null
                else coalesce(nullif(btrim(_order.number), ''),
                              coalesce(nullif(btrim(_order.name), ''), nullif(btrim(_order.email), '')) || ', '
                                  || stockroom_api.money_text(_order.amount, _order.currency),
                              stockroom_api.payment_name(_order.amount, _order.currency, _order.paid_at)) end;

-- Whether a text from outside is a number or code: one word with a digit, and without a part of the buyer's name.
create function stockroom_api.is_code(_text text, _name text default null) returns boolean
    language sql immutable
    return coalesce(_text ~ '^[[:alnum:]#_./:-]{1,60}$' and _text ~ '[0-9]' and not exists (
        select from regexp_split_to_table(lower(_name), '[^[:alnum:]]+') w where length(w) > 2 and strpos(lower(_text), w) > 0), false);

-- The name of an order in messages, which contain no word of a buyer: its number if that is a code, else amount and moment.
create function stockroom_api.order_code(_order stockroom.orders) returns text
    language sql stable security definer set search_path = pg_catalog, pg_temp
    return case when stockroom_api.is_code(_order.number, concat_ws(' ', _order.name, split_part(_order.email, '@', 1)))
                then _order.number
                else stockroom_api.payment_name(_order.amount, _order.currency, _order.paid_at) end;

-- The names of these orders in messages.
create function stockroom_api.order_codes(_order_ids bigint[]) returns table (order_id bigint, code text)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select o.id, stockroom_api.order_code(o) from stockroom.orders o where o.id = any (_order_ids);
$$;

grant execute on function
    stockroom_api.currency_digits(text), stockroom_api.order_name(stockroom.orders), stockroom_api.order_code(stockroom.orders),
    stockroom_api.order_codes(bigint[])
    to stockroom_app;
