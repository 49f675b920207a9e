-- Check every row of the old history (adoption_source): what it becomes, and in `why` the reason why it cannot be carried over.
-- A quantity may be signed or not. If the type has one direction, or if no quantity of the table has a sign, only its size counts.
-- A count may state the counted level instead.
create temp table adoption_judged on commit drop as
with style as (
    select coalesce(bool_or(s.quantity < 0), false) as is_signed from adoption_source s
), known as (
    select s.*, s.after - s.before as delta, v.id as known_variant, v.sku, t.ours, t.adds, t.takes, t.direction,
           s.quantity is null and not s.has_quantity or s.quantity = s.after - s.before
               or (abs(s.quantity) = abs(s.after - s.before) and (t.direction <> 0 or (t.ours <> 'purchase' and not y.is_signed)))
               or (t.ours = 'count' and s.quantity = s.after) as adds_up
      from adoption_source s
     cross join style y
      left join adoption_variants v on v.id::text = lower(s.variant_id)
      left join (values {types}) t (legacy, ours, adds, takes, direction) on t.legacy = s.legacy_type
), single as (
    select k.*, case
        when k.status <> all ({done}) then 'its status is ' || k.status || ', so it never moved stock'
        when k.variant_id is null then 'it names no variant'
        when k.known_variant is null then 'its variant ' || k.variant_id || ' does not exist'
        when k.ours is null then 'its type ' || coalesce('"' || k.legacy_word || '" is unknown', 'is missing')
        when k.occurred_at is null or not isfinite(k.occurred_at) then 'it has no date'
        when k.occurred_at > now() then 'it is in the future'
        when k.occurred_at < timestamptz '1970-01-01 00:00+00' then 'it is before 1970'
        when k.before is null or k.after is null then 'it does not say the level before and after'
        when k.before < 0 or k.after < 0 then 'its level is below zero'
        when k.adds_up is not true then
            'wrong arithmetic: ' || k.before || ' and ' || coalesce(k.quantity::text, 'nothing') || ' do not make ' || k.after
        when k.delta = 0 and k.ours <> 'count' then 'it moved nothing'
        when k.direction <> 0 and sign(k.delta) = -k.direction then 'it ' || case when k.delta > 0 then 'adds' else 'takes' end
            || ' stock, which a ' || k.legacy_type || ' does not'
        end as fault
      from known k
), paired as (
    select s.*, lag(s.legacy_id) over same as twin, s.occurred_at - lag(s.occurred_at) over same as apart
      from single s
    window same as (partition by s.fault is null, s.ours, s.variant_id, s.reference_id, s.delta order by s.occurred_at, s.n)
)
select p.*, coalesce(p.fault, case when p.ours = 'sale' and p.reference_id is not null and p.apart <= {double} then
           'logged twice: the same sale as ' || coalesce(p.twin, 'the row before') end) as why
  from paired p
