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

-- Which movements belong to which line is written in the statement that writes the movement. A movement is never deleted, and a
-- line with movements is kept by a trigger, so that no row has to be checked and locked for it.
alter table stockroom.order_line_movements
    drop constraint order_line_movements_movement_id_fkey,
    drop constraint order_line_movements_line_id_fkey;

-- Refuse to delete a line of an order, or change its id, while movements belong to it.
create function stockroom.keep_moved_lines() returns trigger language plpgsql as $$
begin
    if exists (select from stockroom.order_line_movements x where x.line_id = old.id) then
        raise exception 'A line of an order with movements cannot be deleted.' using errcode = '23503';
    end if;
    return case tg_op when 'DELETE' then old else new end;
end $$;
create trigger order_lines_moved before delete or update of id on stockroom.order_lines
    for each row execute function stockroom.keep_moved_lines();
