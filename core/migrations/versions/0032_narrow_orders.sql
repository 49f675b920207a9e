-- What a paid order costs beside its rows. No row is rewritten; the new indexes read the orders and their lines once.

-- An order without an email, a charge or a session has no entry for it. One index of the email serves searches for its beginning
-- and double payments of a buyer; one index of the payment is unique and serves searches for its beginning.
drop index stockroom.orders_email_idx, stockroom.orders_buyer_idx, stockroom.orders_charge_idx, stockroom.orders_session_idx,
    stockroom.orders_payment_idx;
create index orders_buyer_idx on stockroom.orders (lower(email) text_pattern_ops, paid_at) where email is not null;
create index orders_charge_idx on stockroom.orders (charge_id text_pattern_ops) where charge_id is not null;
create index orders_session_idx on stockroom.orders (session_id text_pattern_ops) where session_id is not null;
alter table stockroom.orders drop constraint orders_payment_id_key;
create unique index orders_payment_id_key on stockroom.orders (payment_id text_pattern_ops);

-- Lines of an order are written while the order is new or locked, and which movements belong to them in the statement that writes
-- these. An order with lines and a line with movements are kept by a trigger; movements are never deleted. So no key has to be checked
-- and no row locked for each line.
alter table stockroom.order_lines drop constraint order_lines_order_id_fkey;
alter table stockroom.order_line_movements
    drop constraint order_line_movements_movement_id_fkey,
    drop constraint order_line_movements_line_id_fkey;

-- Refuse to delete an order with lines, or to change its id.
create function stockroom.keep_orders() returns trigger language plpgsql as $$
begin
    if exists (select from stockroom.order_lines l where l.order_id = old.id) then
        raise foreign_key_violation using message = 'An order with lines cannot be deleted.';
    end if;
    return case tg_op when 'DELETE' then old else new end;
end $$;
create trigger orders_with_lines before delete or update of id on stockroom.orders
    for each row execute function stockroom.keep_orders();

-- Refuse to delete a line with movements, or to change its id.
create function stockroom.keep_lines() returns trigger language plpgsql as $$
begin
    if exists (select from stockroom.order_line_movements x where x.line_id = old.id) then
        raise foreign_key_violation using message = 'A line with movements cannot be deleted.';
    end if;
    return case tg_op when 'DELETE' then old else new end;
end $$;
create trigger order_lines_with_movements before delete or update of id on stockroom.order_lines
    for each row execute function stockroom.keep_lines();

-- A line whose code is the id of its variant is found by the variant; only other codes have an entry.
drop index stockroom.order_lines_code_idx;
create index order_lines_code_idx on stockroom.order_lines ((nullif(lower(code), variant_id::text)))
    where nullif(lower(code), variant_id::text) is not null;

-- The reason of nearly every sale needs no entry: its newest movements are among the newest of all.
drop index public.stock_movements_reason_idx;
create index stock_movements_reason_idx on public.stock_movements (reason, occurred_at, id) where reason <> 'stock_decrease';
