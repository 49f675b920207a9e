"""Several people count one session. What they agree on adds up; what they do not is asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from core.counts import applying, entering, plan, review, sessions
from core.counts.plan import Rules
from core.counts.review import Decision, Question
from core.counts.sessions import Scope, State
from core.foundation.errors import Forbidden, InvalidInput, KeyReused, SignInRequired, UnknownVariant
from tests.core.counts.counting import apply, begin, finish, scanned, seen, typed
from tests.support.builders import Shop, key


def test_scans_of_two_people_add_up_and_the_review_says_who_scanned_what(shop: Shop) -> None:
    shoe = shop.variant(5)
    count = begin(shop, shoe)
    for _ in range(2):
        scanned(shop, count, shoe)
    assert (scanned(shop, count, shoe, 3, "Mia").own, scanned(shop, count, shoe, 1, "Mia").total) == (3, 6)
    assert scanned(shop, count, shoe, -1, "Mia").own == 3
    finish(shop, count)
    line = seen(shop, count)[shoe]
    assert (line.counted, line.variance, line.question) == (5, 0, None)
    assert [(tally.person, tally.units) for tally in line.people] == [("Mia", 3), ("Wanda", 2)]


def test_a_number_typed_beside_another_persons_is_a_conflict_until_somebody_answers_it(shop: Shop) -> None:
    shoe = shop.variant(9)
    count = begin(shop, shoe)
    typed(shop, count, shoe, 4)
    typed(shop, count, shoe, 6)
    typed(shop, count, shoe, 5, "Mia")
    finish(shop, count)
    line = seen(shop, count)[shoe]
    assert (line.counted, line.variance, line.target, line.question) == (None, None, None, Question.CONFLICT)
    with pytest.raises(InvalidInput, match="one line with a question to answer first"):
        apply(shop, count)
    shop.run(review.decide, "Wanda", count_id=count, variant_id=shoe, what=Decision.SUM, key=key())
    assert seen(shop, count)[shoe].counted == 11
    mia = shop.person("Mia").user_id
    shop.run(review.decide, "Wanda", count_id=count, variant_id=shoe, what=Decision.PERSON, person_id=mia, key=key())
    line = seen(shop, count)[shoe]
    assert (line.counted, line.variance, line.question, line.decided_by) == (5, -4, None, "Wanda")
    shop.run(sessions.resume, "Wanda", count_id=count)
    typed(shop, count, shoe, 7)
    finish(shop, count)
    assert seen(shop, count)[shoe].question is Question.CONFLICT, "a new number asks again"


def test_units_that_move_while_a_line_is_counted_are_asked_about(shop: Shop) -> None:
    shoe = shop.variant(3)
    count = begin(shop, shoe)
    scanned(shop, count, shoe)
    shop.adjust(shoe, -1)
    scanned(shop, count, shoe)
    finish(shop, count)
    line = seen(shop, count)[shoe]
    assert (line.expected, line.variance, line.question) == (2, 0, Question.MOVED)
    with pytest.raises(InvalidInput, match="question"):
        apply(shop, count)
    shop.run(review.decide, "Wanda", count_id=count, variant_id=shoe, what=Decision.ACCEPT, key=key())
    assert seen(shop, count)[shoe].question is None
    apply(shop, count)
    assert shop.on_hand(shoe) == 2


def test_a_line_is_counted_again_or_set_to_what_a_person_sees_now(shop: Shop) -> None:
    shoe, sock = shop.variant(10), shop.variant(10)
    count = begin(shop, shoe, sock)
    for each in (shoe, sock):
        typed(shop, count, each, 3)
        shop.adjust(each, -2)
    finish(shop, count)
    with pytest.raises(InvalidInput, match="only lines to recount"):
        typed(shop, count, shoe, 8)
    shop.run(review.decide, "Wanda", count_id=count, variant_id=shoe, what=Decision.RECOUNT, key=key())
    assert [line.is_recount for line in shop.run(entering.uncounted, "Wanda", count_id=count, limit=5)] == [True]
    typed(shop, count, shoe, 8, "Mia")
    now = {"count_id": count, "variant_id": sock, "what": Decision.NOW, "units": 7, "key": key()}
    for _ in range(2):
        shop.run(review.decide, "Wanda", **now)
    shop.adjust(sock, -1)
    lines = seen(shop, count)
    assert [(lines[v].expected, lines[v].counted, lines[v].since) for v in (shoe, sock)] == [(8, 8, 0), (8, 7, -1)]
    apply(shop, count)
    assert [shop.on_hand(v) for v in (shoe, sock)] == [8, 6]


def test_a_scan_that_arrives_late_counts_at_its_own_second_and_only_once(shop: Shop) -> None:
    shoe, again = shop.variant(8), key()
    count = begin(shop, shoe)
    at = datetime.now(UTC)
    shop.adjust(shoe, -3)
    for n in range(2):
        counted = scanned(shop, count, shoe, 8, counted_at=at, key=again)
        assert (counted.own, counted.is_repeat) == (8, bool(n))
    with pytest.raises(KeyReused):
        scanned(shop, count, shoe, 7, counted_at=at, key=again)
    finish(shop, count)
    assert scanned(shop, count, shoe, 8, counted_at=at, key=again).is_repeat, "a repeat is answered also after the end"
    line = seen(shop, count)[shoe]
    assert (line.counted_at, line.expected, line.variance, line.since) == (at, 8, 0, -3)


def test_impossible_entries_are_refused_with_a_sentence(shop: Shop) -> None:
    shoe = shop.variant(1)
    count = begin(shop, shoe)
    with pytest.raises(InvalidInput, match="lies in the future"):
        scanned(shop, count, shoe, counted_at=datetime.now(UTC) + timedelta(hours=1))
    with pytest.raises(InvalidInput, match="more than 31 days ago"):
        scanned(shop, count, shoe, counted_at=datetime.now(UTC) - timedelta(days=40))
    with pytest.raises(InvalidInput, match="needs a time zone"):
        scanned(shop, count, shoe, counted_at=datetime.now())  # noqa: DTZ005 - what a careless caller sends
    with pytest.raises(InvalidInput, match="below zero"):
        scanned(shop, count, shoe, -1)
    with pytest.raises(InvalidInput, match="must be a whole number"):
        typed(shop, count, shoe, 1.5)  # type: ignore[arg-type]
    with pytest.raises(UnknownVariant, match="No variant has the code NOPE"):
        shop.run(entering.count_code, "Wanda", count_id=count, code=" NOPE ", number=None, key=key())
    with pytest.raises(InvalidInput, match="does not exist"):
        typed(shop, 10**9, shoe, 1)
    shop.run(sessions.pause, "Wanda", count_id=count)
    with pytest.raises(InvalidInput, match="is paused"):
        typed(shop, count, shoe, 1)
    assert shop.run(entering.recent, "Wanda", count_id=count) == ()


def test_a_blind_session_shows_no_level_and_no_variance_before_counting_is_finished(shop: Shop) -> None:
    shoe, sock = shop.variant(4), shop.variant(6)
    count = begin(shop, shoe, sock, is_blind=True)
    typed(shop, count, shoe, 3)
    assert [line.on_hand for line in shop.run(entering.uncounted, "Mia", count_id=count, limit=5)] == [None]
    with pytest.raises(InvalidInput, match="blind"):
        seen(shop, count)
    finish(shop, count)
    assert seen(shop, count)[shoe].variance == -1
    with pytest.raises(Forbidden):
        shop.run(sessions.resume, "Wanda", count_id=count)
    shop.run(sessions.resume, "Mia", count_id=count)
    assert shop.run(sessions.session, "Sam", count_id=count).state is State.COUNTING
    finish(shop, count)
    shop.run(review.decide, "Mia", count_id=count, variant_id=shoe, what=Decision.RECOUNT, key=key())
    levels = [line.on_hand for line in shop.run(entering.uncounted, "Wanda", count_id=count, limit=5)]
    assert levels == [None, 6], "of the line to recount none"


def test_in_a_blind_session_nobody_counts_an_own_line_again_after_seeing_what_was_expected(shop: Shop) -> None:
    shoe = shop.variant(4)
    count = begin(shop, shoe, is_blind=True)
    typed(shop, count, shoe, 3)
    finish(shop, count)
    for what, units in ((Decision.NOW, 4), (Decision.RECOUNT, None)):
        with pytest.raises(InvalidInput, match="was counted by you"):
            shop.run(review.decide, "Wanda", count_id=count, variant_id=shoe, what=what, units=units, key=key())
    assert seen(shop, count)[shoe].variance == -1
    shop.run(review.decide, "Mia", count_id=count, variant_id=shoe, what=Decision.NOW, units=4, key=key())
    assert seen(shop, count)[shoe].variance == 0


def test_support_reads_counts_and_neither_counts_nor_applies(shop: Shop) -> None:
    shoe = shop.variant(4)
    count = begin(shop, shoe)
    with pytest.raises(Forbidden):
        typed(shop, count, shoe, 4, "Sam")
    with pytest.raises(SignInRequired):
        typed(shop, count, shoe, 4, "Carl")
    typed(shop, count, shoe, 4)
    finish(shop, count)
    with pytest.raises(Forbidden):
        apply(shop, count, "Sam")
    with pytest.raises(Forbidden):
        shop.run(review.approve, "Wanda", count_id=count, lines=list(seen(shop, count).values()))
    assert len(shop.run(review.variances, "Sam", count_id=count)) == 1


def test_a_variance_over_the_limit_needs_a_manager_who_did_not_count_it(fresh_shop: Shop) -> None:
    shop = fresh_shop
    before = shop.run(plan.rules, "Ada")
    limits = {name: getattr(before, name) for name in Rules.__dataclass_fields__} | {
        "limit_units": 2,
        "limit_money": 100,
    }
    with pytest.raises(Forbidden):
        shop.run(plan.change_rules, "Mia", rules=Rules(**limits))
    shop.run(plan.change_rules, "Ada", rules=Rules(**limits))
    dear, cheap, odd = shop.variant(9, unit_cost=60), shop.variant(9, price=1), shop.variant(9)
    count = begin(shop, dear, cheap, odd)
    typed(shop, count, dear, 7, "Mia")
    typed(shop, count, cheap, 5)
    typed(shop, count, odd, 8)
    finish(shop, count)
    lines = seen(shop, count)
    assert [(lines[v].is_over, lines[v].money, lines[v].valued_by) for v in (dear, cheap, odd)] == [
        (True, -120, "cost"), (True, -4, "price"), (False, None, None)]  # fmt: skip
    for person in ("Wanda", "Mia"):
        with pytest.raises(InvalidInput, match="over the limit, which a manager or an admin who did not count it"):
            apply(shop, count, person)
    with pytest.raises(InvalidInput, match="was counted by you"):
        shop.run(review.approve, "Mia", count_id=count, lines=[lines[dear]])
    shop.run(review.approve, "Ada", count_id=count, lines=[lines[dear]])
    shop.adjust(dear, -1)
    assert seen(shop, count)[dear].approved_by == "Ada", "a sale since changes no variance"
    posting = apply(shop, count, "Mia")
    assert sum(m.quantity for m in posting.movements) == -7
    approved = {line.variant_id: line.approved_by for line in shop.run(applying.results, "Wanda", count_id=count)}
    assert approved == {dear: "Ada", cheap: "Mia", odd: None}


def test_an_approval_ends_when_the_variance_changes_and_zeroed_lines_need_one_too(fresh_shop: Shop) -> None:
    shop = fresh_shop
    shop.sql("update stockroom.count_rules set limit_units = 2")
    shoe, sock = shop.variant(9), shop.variant(5)
    count = begin(shop, shoe, sock)
    typed(shop, count, shoe, 5)
    finish(shop, count)
    stale = seen(shop, count)[shoe]
    shop.run(review.approve, "Mia", count_id=count, lines=[stale])
    shop.run(review.decide, "Wanda", count_id=count, variant_id=shoe, what=Decision.NOW, units=4, key=key())
    with pytest.raises(InvalidInput, match="has another variance now"):
        shop.run(review.approve, "Mia", count_id=count, lines=[stale])
    shop.run(review.zero_uncounted, "Mia", count_id=count, lines=1, key=key())
    assert [line.waits_for_approval for line in seen(shop, count).values()] == [True, True]
    with pytest.raises(InvalidInput, match="one line over the limit"):
        apply(shop, count, "Mia")
    apply(shop, count, "Ada")
    assert [shop.on_hand(v) for v in (shoe, sock)] == [4, 0]


def test_what_was_counted_after_a_person_looked_is_neither_applied_nor_decided_by_them(fresh_shop: Shop) -> None:
    shop = fresh_shop
    shoe, sock, boot = (shop.variant(4, sku=sku) for sku in ("SHOE", "SOCK", "BOOT"))
    count = begin(shop, shoe, sock, boot)
    typed(shop, count, shoe, 4)
    typed(shop, count, sock, 3)
    typed(shop, count, sock, 2, "Mia")
    finish(shop, count)
    shown = shop.run(review.variances, "Ada", count_id=count)
    wanda, mia = (shop.person(name).user_id for name in ("Wanda", "Mia"))

    def decided(what: Decision, seen: int, person_id: int | None = None) -> None:
        values = {"count_id": count, "variant_id": sock, "key": key()}
        shop.run(review.decide, "Ada", what=what, seen=seen, person_id=person_id, **values)

    shop.run(sessions.resume, "Wanda", count_id=count)
    scanned(shop, count, shoe, 3)
    typed(shop, count, sock, 1)
    typed(shop, count, boot, 4)
    finish(shop, count)
    for what, units, person in ((Decision.SUM, 5, None), (Decision.PERSON, 3, wanda)):
        with pytest.raises(InvalidInput, match=r"Line has other numbers now\. Nothing was changed"):
            decided(what, units, person)
    decided(Decision.PERSON, 2, mia)
    with pytest.raises(InvalidInput, match=r"has changed since this page showed it: BOOT, SHOE, SOCK\. Nothing was"):
        apply(shop, count, "Ada", seen=shown)
    assert [shop.on_hand(each) for each in (shoe, sock, boot)] == [4, 4, 4]
    apply(shop, count, "Ada", seen=shop.run(review.variances, "Ada", count_id=count))
    assert [shop.on_hand(each) for each in (shoe, sock, boot)] == [7, 2, 4]


def test_an_approval_ends_when_somebody_counts_the_line_again_so_nobody_approves_their_own(fresh_shop: Shop) -> None:
    shop = fresh_shop
    shop.sql("update stockroom.count_rules set limit_units = 2")
    shoe = shop.variant(9)
    count = begin(shop, shoe)
    scanned(shop, count, shoe, 5)
    finish(shop, count)
    shop.run(review.approve, "Mia", count_id=count, lines=[seen(shop, count)[shoe]])
    shop.run(sessions.resume, "Wanda", count_id=count)
    scanned(shop, count, shoe, -5)
    scanned(shop, count, shoe, 5, "Mia")
    finish(shop, count)
    assert [(line.variance, line.approved_by) for line in seen(shop, count).values()] == [(-4, None)]
    with pytest.raises(InvalidInput, match="one line over the limit"):
        apply(shop, count, "Mia")


def test_a_list_with_the_key_of_another_list_is_refused(shop: Shop) -> None:
    shoe, again = shop.variant(4), key()
    count, sku = begin(shop, shoe), shop.sql("select sku from product_variants where id = :id", id=shoe)
    for units, new in ((3, 1), (3, 0)):
        lines = [entering.ListLine(code=sku, units=units)]
        assert shop.run(entering.count_list, "Wanda", count_id=count, lines=lines, key=again) == new
    with pytest.raises(KeyReused):
        shop.run(entering.count_list, "Wanda", count_id=count, lines=[entering.ListLine(code=sku, units=4)], key=again)


@pytest.mark.parametrize("table", ["count_entries", "holds_given_up"])
def test_what_people_entered_and_which_holds_ended_for_it_stay_on_record(shop: Shop, table: str) -> None:
    for change in ("update {} set units = 0", "delete from {}", "truncate {}"):
        with pytest.raises(DBAPIError, match="stays on record"):
            shop.sql(change.format(f"stockroom.{table}"))


def test_a_cancelled_session_changes_nothing_and_stays_on_record(shop: Shop) -> None:
    shoe = shop.variant(4)
    count = begin(shop, shoe)
    typed(shop, count, shoe, 1)
    shop.run(sessions.cancel, "Wanda", count_id=count)
    shop.run(sessions.cancel, "Wanda", count_id=count)
    with pytest.raises(InvalidInput, match="was cancelled by Wanda"):
        apply(shop, count)
    assert shop.on_hand(shoe) == 4
    assert count not in {each.count_id for each in shop.run(sessions.open_counts, "Wanda")}


def test_one_key_starts_one_session_and_a_scope_without_variants_starts_none(shop: Shop) -> None:
    shoe, again = shop.variant(4), key()
    assert begin(shop, shoe, key=again) == begin(shop, shoe, key=again)
    with pytest.raises(KeyReused):
        begin(shop, shoe, key=again, name="Tuesday")
    with pytest.raises(InvalidInput, match="covers no variant"):
        shop.run(sessions.start, "Wanda", name="Empty", scope=Scope.BRAND, brand="No such brand", key=key())
