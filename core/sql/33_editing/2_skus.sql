-- Renaming a SKU. The former one stays a code of its variant, so that what still names it arrives. Movements keep the text they have.

-- Refuse an empty SKU, and one that means another variant as its SKU, barcode or code, or as its Stripe price. Refuses: SK008.
create function stockroom_api.refuse_taken_skus(_edits stockroom_api.edit[]) returns void
    language plpgsql as $$
declare
    _edit stockroom_api.edit;
begin
    foreach _edit in array _edits loop
        continue when _edit.field <> 'sku';
        if _edit.after is null then
            perform stockroom_api.refuse_value('SKU', 'must not be empty');
        end if;
        perform stockroom_api.refuse_taken_code('SKU', _edit.after, _edit.variant_id);
        if exists (select from public.product_variants v where v.stripe_price_id = _edit.after and v.id <> _edit.variant_id) then
            perform stockroom_api.refuse_value('SKU', format('%s is the Stripe price of another variant', _edit.after));
        end if;
    end loop;
end $$;

-- Keep the SKUs that variants had before as codes of theirs. One that a variant gets back is no former SKU any more.
create function stockroom_api.keep_former_skus(_edits stockroom_api.edit[], _performed_by text) returns void
    language sql as $$
    delete from stockroom.variant_codes c using unnest(_edits) e
     where e.field = 'sku' and c.variant_id = e.variant_id and c.kind = 'former_sku'
       and lower(c.code_key) = lower(stockroom.code_key(e.after));
    insert into stockroom.variant_codes (variant_id, kind, code, code_key, added_by)
    select e.variant_id, 'former_sku', e.before, stockroom.code_key(e.before), _performed_by
      from unnest(_edits) e
     where e.field = 'sku' and stockroom.code_key(e.before) <> stockroom.code_key(e.after)
        on conflict (code_key) do nothing;
$$;
