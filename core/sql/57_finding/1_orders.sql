-- Finding orders by what a person knows of one. Each way has an index, so none reads all orders.

-- The orders with this id of Stripe: of the payment, charge, checkout, refund, dispute or message. If none has it, those with an id
-- that begins with it.
create function stockroom_api.orders_of_stripe(_id text) returns table (order_id bigint)
    language plpgsql stable as $$
begin
    return query
        select o.id from stockroom.orders o where o.payment_id = _id
        union select o.id from stockroom.orders o where o.charge_id = _id
        union select o.id from stockroom.orders o where o.session_id = _id
        union select r.order_id from stockroom.refunds r where r.refund_id = _id and r.order_id is not null
        union select d.order_id from stockroom.disputes d where d.dispute_id = _id and d.order_id is not null
        union select o.id from stockroom.stripe_events e join stockroom.orders o on o.payment_id = e.payment_id where e.event_id = _id;
    if not found then
        return query
            select o.id from stockroom.orders o where o.payment_id like stockroom_api.beginning(_id)
            union select o.id from stockroom.orders o where o.charge_id like stockroom_api.beginning(_id)
            union select o.id from stockroom.orders o where o.session_id like stockroom_api.beginning(_id)
            union select r.order_id from stockroom.refunds r where r.refund_id like stockroom_api.beginning(_id) and r.order_id is not null;
    end if;
end $$;

-- The orders whose buyer's email or name has each of these words as a part, or whose number begins with the only one, the latest first.
-- A single word of one or two characters finds only the beginning of an email or a number.
create function stockroom_api.orders_with_words(_words text[], _limit int) returns table (order_id bigint)
    language plpgsql stable as $$
declare
    _pieces text[] := array(
        select distinct p from unnest(_words) w cross join lateral unnest(stockroom.pieces(w)) p where length(p) = 3);
    _known int;
begin
    if cardinality(_pieces) > 0 and _limit <= 100 then  -- a common word is among the latest orders; no need to sort all that have it
        return query
            select n.id
              from (select o.id, o.email, o.name from stockroom.orders o order by o.paid_at desc, o.id desc limit 2000) n
             where not exists (
                   select from unnest(_words) w where position(w in stockroom.searchable(concat_ws(' ', n.email, n.name))) = 0)
             limit _limit;
        get diagnostics _known = row_count;
    end if;
    if cardinality(_pieces) > 0 and coalesce(_known, -1) is distinct from _limit then
        return query
            select o.id from stockroom.orders o
             where stockroom.order_pieces(o.email, o.name, o.number) @> _pieces
               and not exists (
                   select from unnest(_words) w where position(w in stockroom.searchable(concat_ws(' ', o.email, o.name))) = 0)
             order by o.paid_at desc, o.id desc limit _limit;
    elsif cardinality(_words) = 1 and cardinality(_pieces) = 0 then
        return query
            select o.id from (select x.id, x.paid_at from stockroom.orders x
                               where lower(x.email) like stockroom_api.beginning(_words[1]) offset 0) o  -- by its own index
             order by o.paid_at desc, o.id desc limit _limit;
    end if;
    if cardinality(_words) = 1 then
        return query
            select o.id from (select x.id, x.paid_at from stockroom.orders x
                               where lower(x.number) like stockroom_api.beginning(_words[1]) offset 0) o  -- by its own index
             order by o.paid_at desc, o.id desc limit _limit;
    end if;
end $$;

-- Whether so many orders have these words that it is faster to look for them order by order, the latest first, than to ask the index
-- for all that have them: at least 40 and every fiftieth in sixty pages of the table, some two thousand orders.
create function stockroom_api.are_common(_words text[]) returns boolean
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    _by_part boolean := exists (select from unnest(_words) w where length(w) >= 3);
    _beginning text := case when cardinality(_words) = 1 then stockroom_api.beginning(_words[1]) end;
    _pages bigint := pg_relation_size('stockroom.orders') / current_setting('block_size')::int;
begin
    return (
        select count(*) filter (where f.has) >= greatest(40, count(*) / 50)
          from stockroom.orders o tablesample system (least(100, 6000.0 / greatest(_pages, 1))) repeatable (1)
         cross join lateral (
            select case when _by_part then not exists (
                             select from unnest(_words) w
                              where position(w in stockroom.searchable(concat_ws(' ', o.email, o.name))) = 0)
                        else coalesce(lower(o.email) like _beginning, false) end
                   or coalesce(lower(o.number) like _beginning, false) as has) f);
end $$;

-- The pattern of texts that begin with this one.
create function stockroom_api.beginning(_text text) returns text
    language sql immutable strict
    return regexp_replace(_text, '([\\%_])', '\\\1', 'g') || '%';

-- The orders whose number ends with these digits, after zeros: 1042 finds WEB-01042. Without `_prefix`, whatever precedes them.
create function stockroom_api.orders_numbered(_digits text, _prefix text, _limit int) returns table (order_id bigint)
    language sql stable as $$
    select o.id from stockroom.orders o
     where stockroom.order_pieces(o.email, o.name, o.number) @> array['#' || ltrim(_digits, '0')]
       and ltrim(substring(o.number from '([0-9]+)[^0-9]*$'), '0') = ltrim(_digits, '0')
       and (_prefix is null or regexp_replace(stockroom.searchable(o.number), '[0-9]+[^0-9]*$|[^a-z0-9]', '', 'g') = _prefix)
     order by o.paid_at desc, o.id desc limit _limit;
$$;

-- The orders of exactly these amounts, each in minor units of the currencies with so many digits; of one currency if it is given.
create function stockroom_api.orders_of_amount(_amounts bigint[], _digits int[], _currency text, _limit int)
    returns table (order_id bigint)
    language sql stable as $$
    select o.id
      from unnest(_amounts, _digits) a (amount, digits)
     cross join lateral (
        select x.id from stockroom.orders x
         where x.amount = a.amount and stockroom_api.currency_digits(x.currency) = a.digits
           and (_currency is null or upper(x.currency) = _currency)
         order by x.paid_at desc, x.id desc limit _limit) o;
$$;

-- The orders that were paid with a card of these last four digits.
create function stockroom_api.orders_of_card(_last4 text, _limit int) returns table (order_id bigint)
    language sql stable as $$
    select o.id from stockroom.orders o
     where o.id in (select x.id from stockroom.payment_cards c join stockroom.orders x on x.payment_id = c.payment_id where c.last4 = _last4
                    union all
                    select x.id from stockroom.payment_cards c join stockroom.orders x on x.charge_id = c.payment_id where c.last4 = _last4)
     order by o.paid_at desc, o.id desc limit _limit;
$$;

-- The orders with a line of one of these variants, or with this code in small letters.
create function stockroom_api.orders_with_goods(_variants uuid[], _code text, _limit int) returns table (order_id bigint)
    language sql stable as $$
    select o.id from stockroom.orders o
     where o.id in (select l.order_id from stockroom.order_lines l where l.variant_id = any (_variants) and l.state <> 'replaced'
                    union all
                    select l.order_id from stockroom.order_lines l
                     where nullif(lower(l.code), l.variant_id::text) = _code and l.state <> 'replaced')
     order by o.paid_at desc, o.id desc limit _limit;
$$;

-- Everything that a search can mean, together; an order can come several times. `rank`: 1 what names one order, 2 what several
-- orders can have, 3 what is sold in them. What is null is not meant. Without `_limit` it returns all orders, else the latest of each way.
create function stockroom_api.find_orders(
    _stripe_id text, _digits text, _prefix text, _words text[], _amounts bigint[], _scales int[], _currency text, _last4 text,
    _variants uuid[], _code text, _limit int
) returns table (order_id bigint, rank int)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan
    set jit = off as $$
begin
    if _stripe_id is not null then
        return query select s.order_id, 1 from stockroom_api.orders_of_stripe(_stripe_id) s;
        return;
    end if;
    if _digits is not null then
        return query select n.order_id, 1 from stockroom_api.orders_numbered(_digits, _prefix, _limit) n;
    end if;
    if _last4 is not null then
        return query select c.order_id, 2 from stockroom_api.orders_of_card(_last4, _limit) c;
    end if;
    if _amounts is not null then
        return query select a.order_id, 2 from stockroom_api.orders_of_amount(_amounts, _scales, _currency, _limit) a;
    end if;
    if _words is not null then
        return query select w.order_id, 2 from stockroom_api.orders_with_words(_words, _limit) w;
    end if;
    if _variants is not null or _code is not null then
        return query select g.order_id, 3 from stockroom_api.orders_with_goods(_variants, _code, _limit) g;
    end if;
end $$;

-- A text in the form in which searches compare it.
create function stockroom_api.searchable(_text text) returns text
    language sql immutable strict parallel safe security definer set search_path = pg_catalog, pg_temp
    return stockroom.searchable(_text);

grant execute on function
    stockroom_api.find_orders(text, text, text, text[], bigint[], int[], text, text, uuid[], text, int),
    stockroom_api.searchable(text), stockroom_api.are_common(text[]) to stockroom_app;
