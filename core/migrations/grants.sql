-- Who may touch what, said once after every rebuild: the dashboard's role may look through our views and call our functions.
revoke all on schema stockroom, stockroom_api from public;
revoke all on all functions in schema stockroom, stockroom_api from public;
revoke all on all tables in schema stockroom from public, stockroom_app;
revoke all on public.products, public.product_variants, public.stock_movements from public, stockroom_app;
grant usage on schema stockroom_api to stockroom_app;
-- The waiting room of a history file is no part of the ledger: rows are copied in before a function takes them over.
grant usage on schema stockroom to stockroom_app;
grant select, insert, delete on stockroom.history_rows to stockroom_app;

-- On Supabase the storefront's keys are the roles below: they may do nothing here unless a file of core/sql says so.
do $$
declare
    _role text;
begin
    foreach _role in array array['anon', 'authenticated', 'service_role'] loop
        if exists (select from pg_roles where rolname = _role) then
            execute format('revoke all on schema stockroom, stockroom_api from %I', _role);
            execute format('revoke insert, update, delete, truncate on public.products, public.product_variants, '
                           'public.stock_movements from %I', _role);
        end if;
    end loop;
end $$;
alter table public.products enable row level security;
alter table public.product_variants enable row level security;
alter table public.stock_movements enable row level security;
