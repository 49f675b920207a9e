-- The case of a dispute: open while the bank has not decided.

-- How far a refund or dispute has come. Of two states told in the same second the one that has come further is taken, until Stripe
-- has been asked.
create function stockroom_api.state_rank(_status text) returns int
    language sql immutable as $$
    select case when _status in ('pending', 'requires_action', 'warning_needs_response') then 1
                when _status = 'warning_under_review' then 2
                when _status = 'needs_response' then 3
                when _status = 'under_review' then 4
                when _status in ('succeeded', 'warning_closed', 'prevented', 'charge_refunded') then 5
                else 6 end;
$$;

-- Whether a new state counts more than the known one: it is later, or Stripe was asked for it, or it is of the same second and has
-- come further.
create function stockroom_api.counts_more(
    _told_at timestamptz, _asked_at timestamptz, _status text, _new_told_at timestamptz, _new_asked_at timestamptz, _new_status text
) returns boolean
    language sql immutable
    return case when _new_asked_at is not null then _new_asked_at >= greatest(_told_at, _asked_at)
                when _new_told_at > greatest(_told_at, _asked_at) then true
                else _new_told_at = _told_at and _asked_at is null
                     and stockroom_api.state_rank(_new_status) >= stockroom_api.state_rank(_status) end;

-- Whether a payment was given up without being paid.
create function stockroom_api.is_cancelled(_payment_id text) returns boolean
    language sql stable
    return exists (select from stockroom.stripe_events e where e.payment_id = _payment_id and e.kind = 'payment_intent.canceled');

-- Whether the bank has not decided a dispute yet.
create function stockroom_api.is_disputed(_status text) returns boolean
    language sql immutable
    return _status in ('warning_needs_response', 'warning_under_review', 'needs_response', 'under_review');

-- The reason of a dispute in plain words.
create function stockroom_api.said_reason(_reason text) returns text
    language sql immutable as $$
    select case _reason
        when 'fraudulent' then 'the buyer says that they did not make this payment'
        when 'unrecognized' then 'the buyer does not recognize this payment'
        when 'product_not_received' then 'the buyer says that the goods did not arrive'
        when 'product_unacceptable' then 'the buyer says that the goods were damaged or not as described'
        when 'duplicate' then 'the buyer says that they paid twice'
        when 'credit_not_processed' then 'the buyer says that a promised refund did not arrive'
        when 'subscription_canceled' then 'the buyer says that they had cancelled a subscription'
        when 'debit_not_authorized' then 'the buyer says that they did not allow this debit'
        when 'incorrect_account_details' then 'the account details were wrong'
        when 'insufficient_funds' then 'the account had too little money'
        when 'bank_cannot_process' then 'the bank could not process the payment'
        when 'customer_initiated' then 'the buyer asked the bank for their money'
        when 'check_returned' then 'the check was returned'
        when 'noncompliant' then 'the payment broke a rule of the card network'
        else 'the bank gives no particular reason' end;
$$;

-- Open, update or end the case of each of these disputes: open until the bank has decided.
create function stockroom_api.say_disputes(_ids bigint[]) returns void
    language sql as $$
    select stockroom_api.open_alerts(array(
        select row ('dispute', case when d.status in ('needs_response', 'warning_needs_response') then 'urgent' else 'warning' end,
                    'dispute:' || d.dispute_id,
                    format(case when o.id is null then 'The buyer disputes %1$s of a payment that is not known here at the bank: %3$s. %4$s'
                                else 'The buyer disputes %1$s of order %2$s at the bank: %3$s. %4$s' end,
                           stockroom_api.money_text(d.amount, d.currency), stockroom_api.order_name(o), stockroom_api.said_reason(d.reason),
                           case when d.status in ('under_review', 'warning_under_review') then 'The bank is deciding.'
                                when d.due_by is null then 'Answer in Stripe''s dashboard.'
                                else format('Answer in Stripe''s dashboard by %s.', stockroom_api.said_day(d.due_by)) end),
                    jsonb_build_object('reason', d.reason, 'status', d.status, 'due_by', d.due_by, 'payment_id',
                        coalesce(d.payment_id, d.charge_id), 'livemode', o.livemode),
                    d.order_id, null, null, null, 0, d.amount, d.currency)::stockroom_api.new_alert
          from stockroom.disputes d
          left join stockroom.orders o on o.id = d.order_id
         where d.id = any (_ids) and stockroom_api.is_disputed(d.status)));
    select stockroom_api.resolve_cause('dispute:' || d.dispute_id, 'Stockroom', case d.status
               when 'won' then 'The dispute was won'
               when 'lost' then 'The dispute was lost: decide what became of the goods'
               when 'warning_closed' then 'The bank closed its inquiry without a dispute'
               when 'prevented' then 'The dispute was prevented'
               else 'The dispute was closed' end)
      from stockroom.disputes d
     where d.id = any (_ids) and not stockroom_api.is_disputed(d.status);
$$;

-- Set the state of the latest dispute on each of these orders.
create function stockroom_api.flag_disputes(_order_ids bigint[]) returns void
    language sql as $$
    update stockroom.orders o set dispute = d.status
      from (select distinct on (x.order_id) x.order_id, x.status
              from stockroom.disputes x where x.order_id = any (_order_ids)
             order by x.order_id, stockroom_api.is_disputed(x.status) desc, x.disputed_at desc, x.id desc) d
     where o.id = d.order_id and o.dispute is distinct from d.status;
$$;
