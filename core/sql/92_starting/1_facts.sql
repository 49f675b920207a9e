-- What a shop that has just begun still needs, as far as the database knows it.

-- One row of facts. In the sample shop, catalogue, movements and Stripe's messages are made up, so they do not count. `polled_at`:
-- when Stripe last answered. `sent`: the destinations to which a message was delivered. Refuses: SK009, SK010.
create function stockroom_api.starting_facts(_user_id bigint, _session_id bigint, _roles text[], _name text)
    returns table (is_sample boolean, variants bigint, uncounted bigint, has_count boolean, polled_at timestamptz,
                   has_webhook boolean, people bigint, proven_at timestamptz, sent text[])
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    return query
        select s.is_sample, v.variants, v.uncounted,
               exists (select from public.stock_movements m where m.movement_type in ('count', 'purchase')),
               (select l.polled_at from stockroom.stripe_link l),
               exists (select from stockroom.stripe_events e where e.source = 'webhook'),
               (select count(*) from stockroom.users u
                 where u.is_active and (u.password_hash is not null or exists (
                       select from stockroom.sessions e where e.user_id = u.id))),
               (select p.proven_at from stockroom_api.backup_proof p),
               (select coalesce(array_agg(distinct d.destination), '{}') from stockroom.deliveries d where d.state = 'sent')
          from stockroom.shop s,
               (select count(*) as variants, count(*) filter (where c.movement_sequence = 0) as uncounted
                  from public.product_variants c where c.is_active) v;
end $$;

grant execute on function stockroom_api.starting_facts(bigint, bigint, text[], text) to stockroom_app;
