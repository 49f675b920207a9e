-- The rights, granted again after every rebuild: the dashboard's role may read our views and call our functions.
revoke all on schema stockroom, stockroom_api from public;
revoke all on all functions in schema stockroom, stockroom_api from public;
-- Indexes of the catalogue use this function, so everybody who writes the catalogue needs it.
grant execute on function stockroom.folded(text, boolean) to public;
revoke all on all tables in schema stockroom from public, stockroom_app;
revoke all on public.products, public.product_variants, public.stock_movements from public, stockroom_app;
grant usage on schema stockroom_api to stockroom_app;
-- The staging table of a history file is not part of the ledger: rows are copied into it before a function posts them.
grant usage on schema stockroom to stockroom_app;
grant select, insert, delete on stockroom.history_rows to stockroom_app;

-- On Supabase the storefront's keys use the roles below. They have no rights here except those that a file of core/sql grants.
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

select stockroom_api.open_catalogue();
