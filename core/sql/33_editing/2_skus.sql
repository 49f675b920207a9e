-- Renaming a SKU.

-- Refuse a new SKU that another variant has, in any letter case, or that means another variant as a barcode or Stripe price. The lock of
-- the catalogue is held. Refuses: SK008.
create function stockroom_api.refuse_taken_skus(_edits stockroom_api.edit[]) returns void
    language plpgsql stable as $$
declare
    _taken record;
begin
    select e.after as wanted, v.sku, v.barcode, v.stripe_price_id, p.name into _taken
      from unnest(_edits) e
      left join public.product_variants v
             on v.id <> e.variant_id and (lower(v.sku) = lower(e.after) or v.barcode = e.after or v.stripe_price_id = e.after)
      left join public.products p on p.id = v.product_id
     where e.field = 'sku' and (e.after is null or v.id is not null) limit 1;
    if found and _taken.wanted is null then
        perform stockroom_api.refuse_value('SKU', 'must not be empty');
    elsif found then
        perform stockroom_api.refuse_value('SKU', format('%s is %s %s of "%s" already', _taken.wanted,
            case _taken.wanted when _taken.barcode then 'the barcode of' when _taken.stripe_price_id then 'the Stripe price of'
                               else 'in the shop: it is' end, _taken.sku, _taken.name));
    end if;
end $$;
