-- What to count next, by value and by how long ago it was counted, and the rules that an admin sets.

-- The rules of counting.
create view stockroom_api.count_rules as
select limit_units, limit_money, a_days, b_days, c_days, a_share, b_share from stockroom.count_rules;

-- Save the rules, recorded in the audit. Null limits are no limits. Refuses: SK008, SK009, SK010.
create function stockroom_api.save_count_rules(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _limit_units int, _limit_money numeric, _a_days int, _b_days int,
    _c_days int, _a_share int, _b_share int
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _before jsonb := (select to_jsonb(r) from stockroom_api.count_rules r);
begin
    if _a_share + _b_share > 100 then
        perform stockroom_api.refuse_value('shares', 'of A and B must not be more than 100 percent together');
    end if;
    update stockroom.count_rules
       set limit_units = _limit_units, limit_money = _limit_money, a_days = _a_days, b_days = _b_days, c_days = _c_days,
           a_share = _a_share, b_share = _b_share;
    perform stockroom_api.note_change(_user_id, _performed_by, 'count_rules', 'Counts', _before,
        (select to_jsonb(r) from stockroom_api.count_rules r));
end $$;

-- Every variant of the plan with its class: A until its share of the value on hand is reached, then B, then C. It is due some days
-- after it was last counted, and at once if it never was.
create view stockroom_api.count_plan as
select x.variant_id, x.sku, x.product, x.size, x.color, x.on_hand, x.value, x.class, x.last_counted_at, x.days,
       x.last_counted_at is null or x.last_counted_at < now() - make_interval(days => x.days) as is_due
  from (select c.*, case c.class when 'A' then c.a_days when 'B' then c.b_days else c.c_days end as days
          from (select s.*, case when s.value = 0 then 'C' when s.before < s.a_share / 100.0 * s.total then 'A'
                                 when s.before < (s.a_share + s.b_share) / 100.0 * s.total then 'B' else 'C' end as class
                  from (select l.variant_id, l.sku, l.product, l.size, l.color, l.on_hand, l.last_counted_at,
                               l.on_hand * coalesce(w.unit_value, 0) as value, r.*,
                               sum(l.on_hand * coalesce(w.unit_value, 0)) over () as total,
                               sum(l.on_hand * coalesce(w.unit_value, 0)) over byvalue - l.on_hand * coalesce(w.unit_value, 0) as before
                          from stockroom_api.levels l
                          join stockroom_api.count_values w on w.variant_id = l.variant_id
                         cross join stockroom_api.count_rules r
                         where l.is_active or l.on_hand > 0
                        window byvalue as (order by l.on_hand * coalesce(w.unit_value, 0) desc, l.variant_id
                                           rows unbounded preceding)) s) c) x;

grant select on stockroom_api.count_rules, stockroom_api.count_plan to stockroom_app;
grant execute on function
    stockroom_api.save_count_rules(bigint, bigint, text[], text, int, numeric, int, int, int, int, int) to stockroom_app;
