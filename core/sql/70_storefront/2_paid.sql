-- The order of a payment for a storefront that waits for it.

-- The order of a payment as `paid_order` returns it. If there is none yet, its message is stored and its order applied. Returns null,
-- with nothing changed, if carts are no longer read as in `_link`, with which the caller has read this one.
create function stockroom_api.order_at_once(_payment_id text, _events jsonb, _orders jsonb, _link jsonb) returns jsonb
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '500ms' as $$
begin
    if not exists (select from stockroom.orders o where o.payment_id = _payment_id) then
        if stockroom_api.link_facts() <> _link then
            return null;
        end if;
        perform stockroom_api.apply_told(_events, _orders);
    end if;
    return stockroom_api.paid_order(_payment_id);
end $$;

grant execute on function stockroom_api.order_at_once(text, jsonb, jsonb, jsonb) to stockroom_app;
