-- Cases of codes that two variants share. Stockroom's own forms and files cannot make one; a storefront that writes the catalogue itself
-- can, and a shop may have moved in with some.

-- Every code that means two variants, with their SKUs.
create view stockroom_api.shared_codes as
select c.code_key, array_agg(distinct c.sku order by c.sku) as skus
  from (select v.id, v.sku, stockroom.folded(v.sku, true) as code_key from public.product_variants v
        union all
        select v.id, v.sku, stockroom.folded(v.barcode, true) from public.product_variants v where v.barcode is not null
        union all
        select v.id, v.sku, x.code_key from stockroom.variant_codes x join public.product_variants v on v.id = x.variant_id) c
 where c.code_key <> ''
 group by c.code_key
having count(distinct c.id) > 1;

-- Open a case for each shared code, at most 20 at a time, and end those whose code is shared no more. It does so every ten minutes,
-- however often it is called. A case that a person has closed stays closed as long as the same variants share the code.
create function stockroom_api.judge_codes() returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _shared jsonb;
begin
    if not stockroom_api.is_time('judge_codes', '9 minutes 30 seconds') then
        return;
    end if;
    _shared := coalesce((select jsonb_object_agg('code:' || s.code_key, array_to_string(s.skus[:10], ', '))
                           from stockroom_api.shared_codes s), '{}');
    perform stockroom_api.resolve_cause(a.cause, 'Stockroom', 'No two variants share this code any more.')
       from stockroom.alerts a where a.kind = 'shared_code' and a.state <> 'resolved' and not _shared ? a.cause;
    perform stockroom_api.open_alerts(array(
        select row ('shared_code', 'warning', n.cause,
                    format('%s is a code of several variants: %s. A scan of it asks which one is meant, and a cart with it waits',
                           substr(n.cause, 6), n.skus),
                    jsonb_build_object('skus', n.skus), null, null, null, null, null, null, null)::stockroom_api.new_alert
          from jsonb_each_text(_shared) n (cause, skus)
         where not exists (select from stockroom.alerts a
                            where a.cause = n.cause and a.facts ->> 'skus' = n.skus
                              and (a.state <> 'resolved' or a.resolved_by <> 'Stockroom'))
         order by n.cause
         limit greatest(20 - (select count(*) from stockroom.alerts a where a.kind = 'shared_code' and a.state <> 'resolved'), 0)));
end $$;

grant execute on function stockroom_api.judge_codes() to stockroom_app;
