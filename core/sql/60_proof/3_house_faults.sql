-- The checks of cases, backups and holds. Each is a view of the rows that fail it.

-- R8: no urgent case waits longer than the shop allows. Cases about the proof itself do not count: they report this very fault.
create view stockroom_api.waiting_faults as
select a.id as alert_id, a.kind, a.sentence, floor(extract(epoch from now() - a.first_at) / 3600)::int as hours
  from stockroom.alerts a
 cross join stockroom.proof_limits n
 where a.state <> 'resolved' and a.severity = 'urgent' and a.kind <> 'proof_failed'
   and a.first_at < now() - make_interval(hours => n.alert_hours);

-- R9: the last verified backup is recent enough. A younger shop and the sample shop need none.
create view stockroom_api.backup_faults as
select b.proven_at, n.backup_days as days
  from stockroom.proof_limits n
 cross join stockroom.shop s
 cross join (select max(b.proven_at) as proven_at from stockroom.backups b) b
 where not s.is_sample
   and coalesce(b.proven_at, (select min(o.created_at) from stockroom.operations o where o.kind <> 'sample'), now())
       < now() - make_interval(days => n.backup_days);

-- R10: the reserved units of a variant are the sum of its active holds.
create view stockroom_api.hold_faults as
select v.id as variant_id, v.sku, v.reserved_quantity as reserved, coalesce(h.held, 0) as held
  from public.product_variants v
  left join (select l.variant_id, sum(l.quantity) as held
               from stockroom.reservation_lines l
               join stockroom.reservations r on r.id = l.reservation_id and r.state = 'active'
              group by 1) h on h.variant_id = v.id
 where v.reserved_quantity <> coalesce(h.held, 0);
