-- A shop of another system with :variants variants and :movements movements, as sneaker shops on Supabase have them.
create table public.users (id uuid primary key, full_name text not null);

insert into public.users select md5('person ' || n)::uuid, 'Person ' || n from generate_series(0, :people - 1) n;

create table public.products (
    id uuid primary key, name text not null, brand text, slug text not null unique, price numeric(10, 2) not null,
    created_at timestamptz not null default now()
);

insert into public.products
select md5('product ' || n)::uuid, 'Model ' || n, 'Brand ' || n % 20, 'model-' || n, 80 + n % 120 from generate_series(0, :variants / 10 - 1) n;

create table public.product_variants (
    id uuid primary key, product_id uuid not null references public.products, sku text not null unique, size text not null,
    stock_quantity int not null default 0 check (stock_quantity >= 0), created_at timestamptz not null default now()
);

insert into public.product_variants
select md5('variant ' || n)::uuid, md5('product ' || n / 10)::uuid, 'M' || n, (36 + n % 10)::text, 0 from generate_series(0, :variants - 1) n;

create table public.stock_movements (
    id uuid primary key default gen_random_uuid(), product_id uuid references public.products,
    variant_id uuid references public.product_variants, movement_type text not null, quantity int not null, quantity_before int,
    quantity_after int, reason text, reference_type text, reference_number text, status text not null default 'completed',
    notes text, performed_by uuid references public.users, movement_date timestamptz not null, created_at timestamptz not null
);

-- Deliveries of 20 and sales of one, in turns as the shelf needs them; popular variants move a hundred times as often as others.
create unlogged table drawn as
select d.variant, d.n, case when d.n % 20 = 1 then 20 else -1 end as quantity,
       timestamptz '2025-01-01' + d.at * interval '1 second' as at
  from (select x.variant, row_number() over (partition by x.variant order by x.at) as n, x.at
          from (select floor(:variants * power(random(), 2))::int as variant, random() * 40e6 as at from generate_series(1, :movements)) x) d;

insert into public.stock_movements (product_id, variant_id, movement_type, quantity, quantity_before, quantity_after, reason,
    reference_type, reference_number, notes, performed_by, movement_date, created_at)
select md5('product ' || m.variant / 10)::uuid, md5('variant ' || m.variant)::uuid, case when m.quantity > 0 then 'stock_in' else 'sale' end,
       m.quantity, m.after - m.quantity, m.after, case when m.quantity > 0 then 'Delivery' end,
       case when m.quantity < 0 then 'order' end, case when m.quantity < 0 then 'ORD-' || m.n end, 'Note ' || m.n % 100,
       md5('person ' || (m.variant * 7 + m.n) % :people)::uuid, m.at, m.at + interval '2 seconds'
  from (select d.*, sum(d.quantity) over (partition by d.variant order by d.n)::int as after from drawn d) m
 order by m.at;

update public.product_variants v set stock_quantity = m.level
  from (select variant_id, sum(quantity) as level from public.stock_movements group by 1) m where m.variant_id = v.id;

drop table drawn;

vacuum analyze
