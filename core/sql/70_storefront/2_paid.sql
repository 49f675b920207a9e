-- The order of a payment for a storefront that waits for it.

-- Store the message of a payment, apply its order, and return the order as `paid_order` does.
create function stockroom_api.order_at_once(_payment_id text, _events jsonb, _orders jsonb) returns jsonb
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '10s' as $$
begin
    perform stockroom_api.apply_told(_events, _orders);
    return stockroom_api.paid_order(_payment_id);
end $$;

grant execute on function stockroom_api.order_at_once(text, jsonb, jsonb) to stockroom_app;
