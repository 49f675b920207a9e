-- What an order could be of, for a person who enters its lines: variants that the text of its payment names, and variants whose
-- price is what was paid. Nothing here decides anything.

-- Variants as a person picks them for a line. The price is null if the shop has another currency, or if it is no whole minor unit.
create function stockroom_api.picks(_variant_ids uuid[], _currency text, _digits int)
    returns table (variant_id uuid, sku text, product text, size text, available int, is_active boolean, unit_price bigint)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select v.id, v.sku, p.name, v.size, v.computed_available_stock, v.is_active,
           case when lower(s.currency) = lower(_currency) and m.price = trunc(m.price) and m.price >= 0 then m.price::bigint end
      from unnest(_variant_ids) with ordinality w (id, n)
      join public.product_variants v on v.id = w.id
      join public.products p on p.id = v.product_id
     cross join stockroom.shop s
     cross join lateral (
        select 10::numeric ^ _digits * case when coalesce(s.price_rule ->> 0, 'price') = 'price' then coalesce(v.price, p.price)
                                            else stockroom_api.price_of(s.price_rule, to_jsonb(v), to_jsonb(p)) end as price) m
     order by w.n;
$$;

-- A text in lower case with single spaces for all that is neither letter nor digit, at its ends too.
create function stockroom_api.bare(_text text) returns text
    language sql immutable
    return regexp_replace(' ' || lower(_text) || ' ', '[^[:alnum:]]+', ' ', 'g');

-- The variants that a text names, best first: by a SKU, barcode, other code or Stripe price among its words, or by the name of their product in
-- the text. `is_sized`: their size is among the words, or the product has only one variant. Where a size of a product is named, its
-- other sizes are left out.
create function stockroom_api.named_in(_text text, _words text[], _limit int)
    returns table (variant_id uuid, by_code boolean, is_sized boolean)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    with told as materialized (
        select stockroom_api.bare(stockroom.folded(_text)) as text
    ), product as materialized (
        select p.id from public.products p join told t on true
         where length(p.name) >= 3 and position(stockroom_api.bare(stockroom.folded(p.name)) in t.text) > 0
         order by length(p.name) desc, p.id
         limit 10
    )
    select f.id, bool_or(f.by_code), bool_or(f.is_sized)
      from (select o.variant_id as id, true as by_code, false as is_sized
              from unnest(_words) w cross join lateral stockroom_api.code_owners(w) o
            union all
            select v.id, true, false from public.product_variants v where v.stripe_price_id = any (_words)
            union all
            select s.id, false, s.is_sized
              from (select x.id, x.is_sized, bool_or(x.is_sized) over (partition by x.product_id) as has_size
                      from (select v.id, v.product_id, count(*) over (partition by v.product_id) = 1 or coalesce(
                                   lower(v.size) = any (array(select lower(w) from unnest(_words) w)), false) as is_sized
                              from product p join public.product_variants v on v.product_id = p.id where v.is_active) x) s
             where s.is_sized or not s.has_size) f
     group by f.id
     order by bool_or(f.by_code) desc, bool_or(f.is_sized) desc, f.id
     limit _limit;
$$;

-- The variants of which one to three units cost an amount, and, if there are none, pairs of variants that cost it together. A pair
-- has the same `n`.
create function stockroom_api.priced_at(_amount bigint, _currency text, _digits int, _limit int)
    returns table (n bigint, variant_id uuid, quantity int)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    with priced as materialized (
        select v.id, v.sku, 10::numeric ^ _digits * case when coalesce(s.price_rule ->> 0, 'price') = 'price' then coalesce(v.price, p.price)
                   else stockroom_api.price_of(s.price_rule, to_jsonb(v), to_jsonb(p)) end as price
          from public.product_variants v
          join public.products p on p.id = v.product_id
          join stockroom.shop s on lower(s.currency) = lower(_currency)
         where v.is_active
    ), single as materialized (
        select row_number() over (order by u.quantity, x.sku) as n, x.id, u.quantity
          from priced x cross join generate_series(1, 3) u (quantity)
         where x.price * u.quantity = _amount and _amount > 0
         order by u.quantity, x.sku
         limit _limit
    ), pair as (
        select row_number() over (order by a.sku, b.sku) as n, a.id as first, b.id as second
          from priced a join priced b on b.price = _amount - a.price and a.sku < b.sku and a.price > 0 and b.price > 0
         where not exists (select from single)
         order by a.sku, b.sku
         limit _limit
    )
    select s.n, s.id, s.quantity from single s
    union all
    select p.n, x.id, 1 from pair p cross join lateral (values (p.first), (p.second)) x (id)
     order by 1;
$$;

grant execute on function
    stockroom_api.picks(uuid[], text, int), stockroom_api.named_in(text, text[], int),
    stockroom_api.priced_at(bigint, text, int, int)
    to stockroom_app;
