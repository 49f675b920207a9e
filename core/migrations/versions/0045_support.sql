-- Finding orders by any part of what a person knows, cards of payments, inspected units, and pictures of decisions. Run once, as
-- stockroom_owner; correct by adding a revision, never by editing this text.

-- A text as a search compares it: in small letters, without accents, and with letters of other alphabets as the Latin ones that they
-- look like. Control characters are spaces.
create function stockroom.searchable(_text text) returns text
    language plpgsql immutable strict parallel safe as $$
declare
    _alike bytea :=  -- in UTF-8: Cyrillic and Greek letters, Latin letters with a stroke, hyphens and apostrophes
        '\xd090d0b0d092d0b2d0a1d181d095d0b5d09dd0bdd086d196d088d198d09ad0bad09cd0bcd09ed0bed0a0d180d085d195d0a2d182d0a3d183d0a5d185d2bad2bbd4'
        '81d1b5d49bd49dce91ceb1ce92ceb2ce95ceb5ce96ceb6ce97ce99ceb9ce9acebace9cce9dcebdce9fcebfcea1cf81cea4cf84cea5cf85cea7cf87c398c3b8c581'
        'c582c490c491c390c3b0c4a6c4a7c4b1c5a6c5a7c68fc999e28090e28091e28092e28093e28094e28095e28892e28099e28098cabcc2b460';
begin
    if _text ~ '[^ -~]' then
        if octet_length(_text) > length(_text) and getdatabaseencoding() = 'UTF8' then
            _text := regexp_replace(normalize(_text, NFKD), '[\u0300-\u036F\u00AD\u200B-\u200F\u202A-\u202E\u2060-\u2064\uFEFF]', '', 'g');
            _text := regexp_replace(regexp_replace(regexp_replace(_text, '[\u00DF\u1E9E]', 'ss', 'g'), '[\u00C6\u00E6]', 'ae', 'g'),
                                    '[\u0152\u0153]', 'oe', 'g');
            _text := translate(_text, convert_from(_alike, 'UTF8'), 'aabbcceehhiijjkkmmooppssttyyxxhhdvqwaabbeezzhiikkmnvooppttyuxxoollddddhhittee-------''''''''''');
        end if;
        _text := regexp_replace(_text, '[\u0001-\u0020\u007F]+', ' ', 'g');
    end if;
    return lower(_text);
end $$;

-- The pieces of three characters of a text, at every place. Pieces at its end may be shorter; nobody searches for them.
create function stockroom.pieces(_text text) returns text[]
    language plpgsql immutable strict parallel safe as $$
begin
    return string_to_array(
        regexp_replace(_text, '(...)', E'\\1\n', 'g') || E'\n' || regexp_replace(substr(_text, 2), '(...)', E'\\1\n', 'g')
        || E'\n' || regexp_replace(substr(_text, 3), '(...)', E'\\1\n', 'g'), E'\n');
end $$;

-- What an order is found by: the pieces of its buyer's email and name, and the digits at the end of its number, so that 1042 finds
-- WEB-01042. One index of them serves every search for a part.
create function stockroom.order_pieces(_email text, _name text, _number text) returns text[]
    language plpgsql immutable parallel safe as $$
begin
    return stockroom.pieces(stockroom.searchable(coalesce(_email, '') || ' ' || coalesce(_name, '')))
           || coalesce('#' || ltrim(substring(_number from '([0-9]+)[^0-9]*$'), '0'), '');
end $$;

create index orders_pieces_idx on stockroom.orders using gin (stockroom.order_pieces(email, name, number));
create index orders_amount_idx on stockroom.orders (amount, paid_at desc, id desc);

-- The last four digits of the card of a payment, which Stripe names in its messages about charges.
create table stockroom.payment_cards (
    payment_id text primary key,
    last4      text not null,
    constraint payment_cards_last4_check check (last4 ~ '^[0-9]{4}$')
);
create index payment_cards_last4_idx on stockroom.payment_cards (last4, payment_id);

-- How far the stored messages were read for cards. One row.
create table stockroom.cards_read (
    is_one   boolean primary key default true check (is_one),
    event_id bigint not null
);
insert into stockroom.cards_read (event_id) values (0);

-- Which decision settled how many units of an earlier one to inspect first; added to, never changed. Until now a later decision about
-- the refund settled all of them.
create table stockroom.inspection_results (
    decision_id   bigint not null references stockroom.refund_decisions,
    inspection_id bigint not null references stockroom.refund_decisions,
    quantity      int not null constraint inspection_results_quantity_check check (quantity > 0),
    primary key (decision_id, inspection_id)
);
create index inspection_results_inspection_idx on stockroom.inspection_results (inspection_id);
insert into stockroom.inspection_results (decision_id, inspection_id, quantity)
select n.id, d.id, d.quantity
  from stockroom.refund_decisions d
  join stockroom.refunds r on r.id = d.refund_id
 cross join lateral (
    select max(x.id) as id from stockroom.refund_decisions x
     where x.refund_id = d.refund_id and x.id > d.id and x.disposition <> 'inspect' and (r.state <> 'inspecting' or x.line_id = d.line_id)
       and not exists (select from stockroom.decisions_taken_back t where t.decision_id = x.id)) n
 where d.disposition = 'inspect' and d.line_id is not null and d.quantity > 0 and n.id is not null;
create trigger inspection_results_append_only
    before update or delete or truncate on stockroom.inspection_results
    for each statement execute function stockroom.keep_audit();

-- The picture of what an operation decided about an order's goods, one of `stockroom.pictures`.
create table stockroom.decision_pictures (
    operation_id bigint primary key references stockroom.operations,
    digest       text not null references stockroom.pictures
);
create index decision_pictures_digest_idx on stockroom.decision_pictures (digest);
create trigger decision_pictures_append_only
    before update or delete or truncate on stockroom.decision_pictures
    for each statement execute function stockroom.keep_audit();
