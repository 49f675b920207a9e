-- Days: the only place where a day becomes a moment and a moment a day. The time zone rules are those of the database.

-- The moment a day begins in a time zone: the first moment that has this date or a later one. Where clocks go back over midnight, it
-- is the first midnight; where midnight is skipped, it is the moment of the change.
create function stockroom_api.day_start(_day date, _zone text) returns timestamptz
    language plpgsql stable strict parallel safe security definer set search_path = pg_catalog, pg_temp as $$
declare
    _midnight timestamp := _day;
    _at timestamptz := _midnight at time zone _zone;  -- of two midnights the second, of none a moment after the change
    _early timestamptz;
    _back numeric;
    _between timestamptz;
begin
    if not isfinite(_day) then
        return _at;
    end if;
    _early := _at - interval '24 hours';
    if (_at at time zone _zone) = _midnight then
        _back := extract(epoch from (_early at time zone _zone) - _midnight) + 86400;  -- seconds that clocks went back since then
        if _back > 0 and ((_at - make_interval(secs => _back)) at time zone _zone) = _midnight then
            return _at - make_interval(secs => _back);
        end if;
        return _at;
    end if;
    while _at - _early > interval '1 second' loop  -- the change is after `_early` and not after `_at`
        _between := _early + make_interval(secs => floor(extract(epoch from _at - _early) / 2));
        if (_between at time zone _zone) < _midnight then
            _early := _between;
        else
            _at := _between;
        end if;
    end loop;
    return _at;
end $$;

-- The day of a moment in a time zone where clocks went back to an hour of the day before: that hour belongs to the new day, which has
-- begun.
create function stockroom_api.day_begun(_at timestamptz, _zone text) returns date
    language sql stable
    return (_at at time zone _zone)::date
           + (_at >= stockroom_api.day_start((_at at time zone _zone)::date + 1, _zone))::int;

-- The day of a moment in a time zone: the one that began last. Since 1970, only in these zones and until 2011, clocks went back to an
-- hour of the day before. Everywhere else, it is the date that the clocks show.
create function stockroom_api.day_at(_at timestamptz, _zone text) returns date
    language sql stable
    return case when _zone in ('America/St_Johns', 'Canada/Newfoundland', 'America/Goose_Bay', 'America/Moncton', 'Antarctica/Casey')
                then stockroom_api.day_begun(_at, _zone) else (_at at time zone _zone)::date end;

-- The day of a moment in the shop's time zone.
create function stockroom_api.shop_day(_at timestamptz) returns date
    language sql stable
    return (select stockroom_api.day_at(_at, s.zone) from stockroom.shop s);

grant execute on function
    stockroom_api.day_start(date, text), stockroom_api.day_begun(timestamptz, text), stockroom_api.day_at(timestamptz, text)
    to stockroom_app;
