-- What a variant costs by the shop's own rule, and the shop's tax. A rule is data that these functions evaluate: it is never
-- compiled, so nothing that a person types ever becomes SQL.

-- The number in a column of a row, or null if it has none. Refuses: SK008 if the row has no such column.
create function stockroom_api.number_in(_row jsonb, _table text, _column text) returns numeric
    language plpgsql immutable as $$
begin
    if _row is not null and not _row ? _column then
        perform stockroom_api.refuse_value('price',
            format('uses %s.%s, which no longer exists; choose the price again with `python -m core shop --price`', _table, _column));
    end if;
    return case when jsonb_typeof(_row -> _column) = 'number' then (_row ->> _column)::numeric end;
end $$;

-- The price that a rule gives for the rows of a variant and its product, or null if it gives none. core/shop/prices.py describes
-- rules.
create function stockroom_api.price_of(_rule jsonb, _variant jsonb, _product jsonb) returns numeric
    language plpgsql immutable as $$
declare
    _what text := _rule ->> 0;
    _values numeric[];
begin
    case _what
        when 'number' then return (_rule ->> 1)::numeric;
        when 'price' then return coalesce((_variant ->> 'price')::numeric, (_product ->> 'price')::numeric);
        when 'column' then return stockroom_api.number_in(
            case _rule ->> 1 when 'products' then _product else _variant end, _rule ->> 1, _rule ->> 2);
        else null;
    end case;
    _values := array(select stockroom_api.price_of(x.part, _variant, _product)
                       from jsonb_array_elements(_rule) with ordinality x (part, n) where x.n > 1 order by x.n);
    return case _what
        when '+' then _values[1] + _values[2]
        when '-' then _values[1] - _values[2]
        when '*' then _values[1] * _values[2]
        when '/' then _values[1] / nullif(_values[2], 0)
        when 'coalesce' then (select x.value from unnest(_values) with ordinality x (value, n)
                               where x.value is not null order by x.n limit 1)
        when 'least' then (select min(x.value) from unnest(_values) x (value))
        when 'greatest' then (select max(x.value) from unnest(_values) x (value))
    end;
end $$;

-- How the shop prices and taxes, for the command line and for payments.
create view stockroom_api.pricing as
select s.price_words, s.price_doubt, s.tax, s.tax_rate from stockroom.shop s;

-- Set the rule of prices, or with a null rule note the columns that leave it in doubt. Refuses: SK009, SK010.
create function stockroom_api.set_price(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _words text, _rule jsonb, _doubt text
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _before stockroom.shop;
begin
    select * into strict _before from stockroom.shop for no key update;
    update stockroom.shop set price_words = _words, price_rule = _rule, price_doubt = _doubt;
    perform stockroom_api.note_change(_user_id, _performed_by, 'shop_changed', _before.name,
        jsonb_build_object('price', coalesce(_before.price_words, _before.price_doubt)),
        jsonb_build_object('price', coalesce(_words, _doubt)));
end $$;

-- Set the tax: none, a rate in percent on the goods, or Stripe's. Refuses: SK009, SK010.
create function stockroom_api.set_tax(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _tax text, _rate numeric
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _before stockroom.shop;
begin
    select * into strict _before from stockroom.shop for no key update;
    update stockroom.shop set tax = _tax, tax_rate = _rate;
    perform stockroom_api.note_change(_user_id, _performed_by, 'shop_changed', _before.name,
        jsonb_build_object('tax', _before.tax, 'tax_rate', _before.tax_rate), jsonb_build_object('tax', _tax, 'tax_rate', _rate));
end $$;

grant select on stockroom_api.pricing to stockroom_app;
grant execute on function
    stockroom_api.set_price(bigint, bigint, text[], text, text, jsonb, text),
    stockroom_api.set_tax(bigint, bigint, text[], text, text, numeric)
    to stockroom_app;
