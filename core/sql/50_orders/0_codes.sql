-- What a code of a cart means: the variant that it means beyond doubt, and every variant that it could mean.

-- The first and the last id that begin with a code, if it is an id or at least its first six characters.
create function stockroom_api.id_span(_code text) returns table (low uuid, high uuid)
    language sql immutable as $$
    select s.low, s.high
      from (select case when _code ~* '^([0-9a-f]{6,8}|[0-9a-f]{8}-[0-9a-f-]{0,27})$'
                        then rpad(replace(lower(_code), '-', ''), 32, '0')::uuid end as low,
                   case when _code ~* '^([0-9a-f]{6,8}|[0-9a-f]{8}-[0-9a-f-]{0,27})$'
                        then rpad(replace(lower(_code), '-', ''), 32, 'f')::uuid end as high) s
     where left(s.low::text, length(_code)) = lower(_code)
$$;

-- Every variant that a code could mean, at most 200. `rank`: 1 its id, SKU, barcode, other code or Stripe price; 2 its SKU in another
-- letter case; 3 its product's id, with this size if one is given; 4 the beginning of its id or of its product's id; 5 the beginning of
-- its SKU. Mappings are left out, and so are codes of cartons: one line of them is several units.
create function stockroom_api.meanings(_code text, _size text) returns table (variant_id uuid, rank int)
    language sql stable as $$
    select m.id, min(m.rank)
      from (select o.variant_id as id, o.rank from stockroom_api.code_owners(_code) o where o.units = 1
            union all
            select v.id, 1 from public.product_variants v where v.stripe_price_id = _code
            union all
            select v.id, case when s.low = s.high then 1 else 4 end
              from stockroom_api.id_span(_code) s join public.product_variants v on v.id between s.low and s.high
            union all
            select v.id, case when s.low = s.high then 3 else 4 end
              from stockroom_api.id_span(_code) s join public.product_variants v on v.product_id between s.low and s.high
             where _size is null or lower(stockroom.folded(v.size)) = lower(stockroom.folded(_size))
            union all
            select v.id, 5 from public.product_variants v
             where lower(v.sku) ~>=~ lower(stockroom.folded(_code)) and lower(v.sku) ~<~ (lower(stockroom.folded(_code)) || chr(1114111))) m
     group by m.id
     order by 2, 1
     limit 200
$$;

-- The variant that a code means beyond doubt, or null. A code is an id, SKU, mapped code, barcode, other code or Stripe price; else a
-- SKU in another letter case, a product with only one variant (of that size), or the beginning of only one id. A code that could mean two
-- variants means none. It returns a row, not a value, so that the planner inlines it, and one plan looks up a batch of codes.
create function stockroom_api.variant_of(_code text, _size text) returns table (variant_id uuid)
    language sql stable as $$
    select case when e.ids[1] = all (e.ids) then e.ids[1]
                when e.ids is null then (
                    select (array_agg(m.variant_id))[1] from stockroom_api.meanings(_code, _size) m
                     where m.rank < 4 or m.rank = 4 and length(_code) >= 8
                    having count(*) = 1) end
      from (select array_agg(x.id) as ids
              from (select v.id from public.product_variants v
                     where v.id = case when _code ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then _code::uuid end
                    union all
                    select o.variant_id from stockroom_api.code_owners(_code) o where o.rank = 1 and o.units = 1
                    union all
                    select v.id from public.product_variants v where v.stripe_price_id = _code
                    union all
                    select a.variant_id from stockroom.sku_aliases a
                     where a.code = _code and a.ended_at is null and a.order_id is null and a.kind = 'variant'
                       and not exists (select from stockroom_api.meanings(_code, null) m
                                        where (m.rank < 4 or m.rank = 4 and length(_code) >= 8)
                                          and m.variant_id <> a.variant_id)) x) e
$$;

-- The variant of a line: that of its codes, if those that mean a variant mean the same one.
create function stockroom_api.variant_of_line(_code text, _codes text[], _size text) returns table (variant_id uuid)
    language sql stable as $$
    select case when f.ids[1] = all (f.ids) then f.ids[1] end
      from (select array_agg(v.variant_id) as ids
              from unnest(_code || _codes) c (code)
             cross join lateral stockroom_api.variant_of(c.code, _size) v
             where v.variant_id is not null) f
$$;

-- The variants that a line without a variant could mean, as [{variant_id, sku, size, product}], at most 100, and why it is unclear;
-- null where nothing or only one variant comes near. `_size` '' is no size. It is strict, so that a null code costs nothing.
create function stockroom_api.unclear(_code text, _codes text[], _size text) returns table (variants jsonb, why text)
    language sql stable strict security definer set search_path = pg_catalog, pg_temp as $$
    select case when count(*) > 1 then
               jsonb_agg(jsonb_build_object('variant_id', n.id, 'sku', n.sku, 'size', n.size, 'product', n.name) order by n.n)
                   filter (where n.n <= 100) end,
           case when count(*) > 1 then
               format('several variants %s: %s%s', (array_agg(n.why order by n.n))[1],
                   string_agg(n.sku || coalesce(' (size ' || n.size || ')', ''), ', ' order by n.n) filter (where n.n <= 3),
                   case when count(*) > 3 then format(' and %s more', count(*) - 3) end) end
      from (select v.id, v.sku, v.size, p.name, row_number() over (order by v.sku) as n,
                   case min(m.rank) over () when 5 then 'begin with this' when 4 then 'begin with this' when 3 then 'belong to this product'
                        else 'can be meant by this' end as why
              from (select m.variant_id, min(m.rank) as rank
                      from unnest(_code || _codes) c (code) cross join lateral stockroom_api.meanings(c.code, nullif(_size, '')) m
                     group by 1) m
              join public.product_variants v on v.id = m.variant_id
              join public.products p on p.id = v.product_id) n
$$;

-- The price of a variant in minor units of a currency, by the shop's rule; null if it has none, if the rule is in doubt, or if the
-- shop sells in another currency.
create function stockroom_api.listed_price(_variant_id uuid, _currency text, _digits int) returns bigint
    language sql stable as $$
    select round(case when coalesce(s.price_rule ->> 0, 'price') = 'price' then coalesce(v.price, p.price)
                      else stockroom_api.price_of(s.price_rule, to_jsonb(v), to_jsonb(p)) end * 10::numeric ^ _digits)::bigint
      from public.product_variants v
      left join public.products p on p.id = v.product_id
     cross join stockroom.shop s
     where v.id = _variant_id and s.price_doubt is null and lower(s.currency) = lower(_currency);
$$;

-- Whether people have said that a code of a line means a bundle or no goods, for every order.
create function stockroom_api.has_meaning(_code text, _codes text[]) returns boolean
    language sql stable as $$
    select exists (select from stockroom.sku_aliases a
                    where a.code = any (_code || _codes) and a.kind in ('bundle', 'no_goods') and a.ended_at is null
                      and a.order_id is null);
$$;

-- What the lines of carts name, all of them in one statement, numbered as they were asked: [{code, codes, size, currency, digits}].
-- `by_name`: no code names the variant, but the code is a product's name that, with the size if one is given, names only this one.
-- `has_meaning`: none names a variant, but people have said what a code means.
create function stockroom_api.name_codes(_asked jsonb)
    returns table (n bigint, variant_id uuid, sku text, price bigint, by_name boolean, has_meaning boolean)
    language sql stable security definer set search_path = pg_catalog, pg_temp set jit = off as $$
    with asked as materialized (
        select a.n, a.code, coalesce(a.codes, '{}') as codes, nullif(a.size, '') as size, a.currency, a.digits
          from rows from (jsonb_to_recordset(_asked) as (code text, codes text[], size text, currency text, digits int))
               with ordinality a (code, codes, size, currency, digits, n)
    ), coded as materialized (
        select a.n, v.variant_id from asked a cross join lateral stockroom_api.variant_of_line(a.code, a.codes, a.size) v
    ), named as materialized (
        select a.n, (array_agg(v.id))[1] as variant_id
          from coded c
          join asked a on a.n = c.n
          join public.products p on lower(stockroom.folded(p.name)) = lower(stockroom.folded(a.code))
          join public.product_variants v
            on v.product_id = p.id and (a.size is null or lower(stockroom.folded(v.size)) = lower(stockroom.folded(a.size)))
         where c.variant_id is null
         group by a.n
        having count(*) = 1
    )
    select a.n, v.id, v.sku, stockroom_api.listed_price(v.id, a.currency, a.digits), c.variant_id is null and v.id is not null,
           v.id is null and stockroom_api.has_meaning(a.code, a.codes)
      from asked a
      join coded c on c.n = a.n
      left join named x on x.n = a.n
      left join public.product_variants v on v.id = coalesce(c.variant_id, x.variant_id)
     order by a.n
$$;

grant execute on function stockroom_api.unclear(text, text[], text), stockroom_api.name_codes(jsonb) to stockroom_app;
