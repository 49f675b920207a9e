-- Removing the sample shop. Only the owner's account replaces the tables; the app's role may only ask what would go.

-- The number under which a removal locks out jobs, and under which a job starts only if no removal runs.
create function stockroom_api.removal_lock() returns bigint
    language sql immutable return 7305021116;

-- What the sample shop holds and what stays, in rows; no row if this is not the sample shop. Refuses: SK009, SK010.
create function stockroom_api.sample_contents(_user_id bigint, _session_id bigint, _roles text[], _name text)
    returns table (name text, variants bigint, movements bigint, orders bigint, cases bigint, people bigint, signed_in bigint,
                   reasons bigint)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    return query
        select s.name, count(v.id), coalesce(sum(v.movement_sequence), 0)::bigint,
               (select count(*) from stockroom.orders), (select count(*) from stockroom.alerts),
               (select count(*) from stockroom.users u where u.is_active),
               (select count(distinct e.user_id) from stockroom.sessions e where e.revoked_at is null and e.expires_at > now()),
               (select count(*) from stockroom.reasons r where r.is_active and r.reason <> 'undo')
          from stockroom.shop s
          left join public.product_variants v on true
         where s.is_sample
         group by s.name;
end $$;

-- Check that this person may remove the sample shop now, and return their name. No job starts until the transaction ends. Refuses:
-- SK009, SK010, SK008 if it is no sample shop, `_typed` is not its name, or no backup of the last hour is verified.
create function stockroom_api.begin_removal(_user_id bigint, _session_id bigint, _roles text[], _name text, _typed text)
    returns text
    language plpgsql as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _shop stockroom.shop;
begin
    perform pg_advisory_xact_lock(stockroom_api.removal_lock());
    select * into _shop from stockroom.shop;
    if not _shop.is_sample then
        perform stockroom_api.refuse('SK008', coalesce(
            (select format('%s has already removed the sample data. ', r.who) from stockroom_api.sample_removal r),
            'This shop does not hold the sample data. ') || 'Nothing was removed.', '{"field": "shop", "why": "is not the sample"}');
    elsif btrim(_typed) is distinct from _shop.name then
        perform stockroom_api.refuse('SK008', 'That is not the name of the shop; nothing was changed.',
            '{"field": "name", "why": "is not the name of the shop"}');
    elsif not exists (select from stockroom.backups b
                       where b.deleted_at is null and b.proven_at is not null and b.made_at > now() - interval '1 hour') then
        perform stockroom_api.refuse('SK008', 'No backup of the last hour is verified. Create one first; nothing was changed.',
            '{"field": "backup", "why": "is missing or too old"}');
    end if;
    return _who;
end $$;

-- The jobs that a living worker runs now, by their titles. The clock goes on inside the transaction that asks.
create function stockroom_api.running_jobs() returns text[]
    language sql volatile as $$
    select array_agg(distinct j.title order by j.title)
      from stockroom.job_runs r
      join stockroom.jobs j on j.name = r.name
     where r.lingers_at > clock_timestamp() - interval '45 seconds'
        or (r.ended_at is null and r.began_at > clock_timestamp() - make_interval(secs => j.limit_seconds + 60)
            and exists (select from procrastinate.procrastinate_workers w
                         where w.last_heartbeat > clock_timestamp() - interval '40 seconds'));
$$;

-- Record in the empty shop who removed the sample data: a start will not load it again.
create function stockroom_api.end_removal(_user_id bigint, _who text, _shop_name text) returns void
    language plpgsql as $$
begin
    perform stockroom_api.claim_operation('sample:removed', 'remove_sample', '', _user_id, _who);
    perform stockroom_api.note_change(_user_id, _who, 'sample_removed', _shop_name);
end $$;

-- Who removed the sample data, and when; no row if nobody did.
create view stockroom_api.sample_removal as
select o.performed_by as who, o.created_at as at from stockroom.operations o where o.key = 'sample:removed';

grant select on stockroom_api.sample_removal to stockroom_app;
grant execute on function stockroom_api.sample_contents(bigint, bigint, text[], text) to stockroom_app;
