-- What each variant sold in a period, in units and money.

-- What a unit of each variant is sold for today, by the rule of the shop; null without a price.
create view stockroom_api.sale_prices as
select v.id as variant_id, v.product_id,
       case when coalesce(s.price_rule ->> 0, 'price') = 'price' then coalesce(v.price, p.price)
            else stockroom_api.ruled_price(v.id) end as price
  from public.product_variants v
  join public.products p on p.id = v.product_id
 cross join stockroom.shop s;

-- The average that buyers paid for a unit of each variant, in orders that were paid on the days from `_first` to `_last`, both included,
-- and in the shop's currency; less the share of a discount. Lines without a price are left out.
create function stockroom_api.paid_prices(_first date, _last date)
    returns table (variant_id uuid, price numeric)
    language sql stable security definer set search_path = pg_catalog, pg_temp set jit = off as $$
    with paid as (
        select o.id, o.amount, coalesce(o.discount, 0) as discount, upper(o.currency) as currency
          from stockroom.orders o
         where o.paid_at >= (select stockroom_api.shop_start(_first)) and o.paid_at < (select stockroom_api.shop_start(_last + 1))
           and upper(o.currency) = (select s.currency from stockroom.shop s)
    ), line as (
        select l.variant_id, l.taken, w.price, o.amount, o.discount, o.currency,
               sum(w.price * l.quantity) over (partition by o.id) as goods
          from paid o
          join stockroom.order_lines l on l.order_id = o.id and l.state not in ('bundle', 'replaced')
         cross join lateral (
            select case when l.part_of is null then l.unit_price::numeric
                        else (select p.price from stockroom_api.line_prices p where p.line_id = l.id) end as price) w
    )
    select l.variant_id, sum(l.taken * l.price * case when l.goods > 0
               then greatest(least(l.goods - l.discount, l.amount), 0) / l.goods else 1 end) / sum(l.taken)
               / 10::numeric ^ stockroom_api.currency_digits(min(l.currency))
      from line l
     where l.taken > 0 and l.price is not null and l.variant_id is not null
     group by l.variant_id;
$$;

-- What each variant sold on the days from `_first` to `_last`: units, and money at the average price that buyers paid in that period,
-- else at the price of today. `unpriced`: units without any price, which are not in the money. Only variants that sold something.
create function stockroom_api.variant_turnover(_first date, _last date, _variant_ids uuid[])
    returns table (variant_id uuid, sold int, revenue numeric, unpriced int)
    language sql stable security definer set search_path = pg_catalog, pg_temp set jit = off as $$
    select d.variant_id, d.sold, coalesce(round(d.sold * x.price, stockroom_api.shop_digits()), 0),
           case when x.price is null then d.sold else 0 end
      from (select d.variant_id, sum(d.sale_out - d.sale_in)::int as sold
              from stockroom.variant_days d
             where d.day between _first and _last and (_variant_ids is null or d.variant_id = any (_variant_ids))
             group by d.variant_id) d
      join stockroom_api.sale_prices t on t.variant_id = d.variant_id
      left join stockroom_api.paid_prices(_first, _last) b on b.variant_id = d.variant_id
     cross join lateral (select coalesce(b.price, t.price) as price) x
     where d.sold > 0;
$$;

grant execute on function stockroom_api.variant_turnover(date, date, uuid[]) to stockroom_app;
