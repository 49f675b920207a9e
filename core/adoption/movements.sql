-- Check every row of the old history (adoption_source): what it becomes, and in `why` the reason why it cannot be carried over.
-- A quantity may be signed or not. If the type has one direction, or if no quantity of the table has a sign, only its size counts.
-- A count may state the counted level instead. A level that the table has no column for follows from the change. A row without a
-- type gets it from its reason, else from its order. A reason in our words decides, and may decide on another type.
create temp table adoption_judged on commit drop as
with types (legacy, ours, adds, takes, direction) as (
    values {types}
), reasons (meaning, type, reason, sign) as (
    values {reasons}
), style as (
    select coalesce(bool_or(s.quantity < 0), false) as is_signed from adoption_source s
), typed as (
    select s.*, v.id as known_variant, v.sku, y.is_signed, t.ours as plain, t.adds, t.takes, t.direction,
           case when t.direction <> 0 then t.direction * abs(s.quantity)
                when y.is_signed or {is_change} or t.ours = 'purchase' or t.adds = 'initial_count' then s.quantity end as change
      from adoption_source s
     cross join style y
      left join adoption_variants v on v.id::text = lower(coalesce(s.variant_id, s.product_id))
      left join types t on t.legacy = case
           when {has_type} or s.legacy_type in (select x.legacy from types x) then s.legacy_type
           when s.reference_type <> 'order' or s.reference_type is null then 'adjustment'
           when s.quantity < 0 then 'sale' else 'return' end
), leveled as (
    select t.*, coalesce(t.before, case when not {has_before} then t.after - t.change end) as level_before,
           coalesce(t.after, case when not {has_after} then t.before + t.change end) as level_after
      from typed t
), moved as (
    select l.*, case when {has_before} or {has_after} then l.level_after - l.level_before else l.change end as delta
      from leveled l
), known as (
    select m.*, coalesce(own.type, other.type, m.plain) as ours,
           coalesce(own.reason, other.reason, case when m.delta < 0 then m.takes else m.adds end) as our_reason,
           coalesce(own.reason, other.reason) is not null as is_ours,
           m.quantity is null and not {has_quantity} or m.quantity = m.delta
               or (abs(m.quantity) = abs(m.delta) and (m.direction <> 0 or (m.plain <> 'purchase' and not m.is_signed)))
               or (m.plain = 'count' and m.quantity = m.level_after) as adds_up
      from moved m
      left join reasons own on own.meaning = m.meaning and own.type = m.plain and own.sign * m.delta >= 0
      left join reasons other on other.meaning = m.meaning and other.type not in (m.plain, 'sale') and other.sign * m.delta >= 0
       and (m.takes in ('stock_increase', 'stock_decrease') and m.plain = 'adjustment' or m.adds = 'initial_count'
            or other.reason in ('initial_count', 'initial_purchase') and m.plain in ('purchase', 'count'))
), single as (
    select k.*, case
        when k.status <> all ({done}) then 'its status is ' || k.status || ', so it never moved stock'
        when k.known_variant is null and k.variant_id is null then 'it names no variant'
        when k.known_variant is null then 'its variant ' || k.variant_id || ' does not exist'
        when k.ours is null then 'its type ' || coalesce('"' || k.legacy_word || '" is unknown', 'is missing')
        when k.occurred_at is null or not isfinite(k.occurred_at) then 'it has no date'
        when k.occurred_at > now() then 'it is in the future'
        when k.occurred_at < timestamptz '1970-01-01 00:00+00' then 'it is before 1970'
        when not ({has_before} and {has_after}) and k.quantity is not null and k.change is null
            then 'it does not say whether stock came or went'
        when ({has_before} or {has_after}) and (k.level_before is null or k.level_after is null)
            then 'it does not say the level before and after'
        when k.level_before < 0 or k.level_after < 0 then 'its level is below zero'
        when k.delta is null then 'it has no quantity'
        when k.adds_up is not true then 'wrong arithmetic: ' || k.level_before || ' and ' || coalesce(k.quantity::text, 'nothing')
            || ' do not make ' || k.level_after
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
select p.*, {has_type} as has_type, coalesce(p.fault, case when p.ours = 'sale' and p.reference_id is not null
           and p.apart <= {double} then 'logged twice: the same sale as ' || coalesce(p.twin, 'the row before') end) as why
  from paired p
