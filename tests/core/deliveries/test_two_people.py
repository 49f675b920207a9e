"""Several people at one delivery: their scans add up, it is posted once, and a page opened earlier is noticed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from core.deliveries import changes, note
from core.deliveries.changes import Correction
from core.deliveries.reads import DeliveryState
from core.foundation.errors import Forbidden, InvalidInput, KeyReused, SignInRequired
from core.people.access import Permission, roles_for
from tests.core.deliveries.test_deliveries import announce, by_code, post, scan, seen
from tests.support.builders import Shop, key
from tests.support.proof import assert_holds


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Run these at the same moment and return what each returned or raised."""
    start = Barrier(len(works))

    def begin(work: Callable[[], Any]) -> Any:
        start.wait()
        try:
            return work()
        except InvalidInput as refused:
            return refused

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(begin, works))


def test_two_people_who_scan_one_delivery_at_once_add_up(shop: Shop) -> None:
    sku = key()[:10]
    variant = shop.variant(sku=sku)
    delivery_id = announce(shop, f"{sku} 40")

    def scan_many(actor: str) -> None:
        for _ in range(10):
            scan(shop, delivery_id, sku, actor=actor)
            scan(shop, delivery_id, "unknown", actor=actor)

    at_once(*(lambda name=name: scan_many(name) for name in ("Wanda", "Mia", "Ada")))
    found = seen(shop, delivery_id)
    assert by_code(found) == {sku: (40, 30, 0), "unknown": (0, 30, 0)}
    assert found.row.revision == 60
    post(shop, delivery_id)
    assert shop.on_hand(variant) == 30


def test_who_posts_while_another_scans_posts_what_was_seen_and_the_scan_goes_to_the_rest(shop: Shop) -> None:
    sku = key()[:10]
    variant = shop.variant(sku=sku)
    delivery_id = announce(shop, f"{sku} 5")
    scan(shop, delivery_id, sku, 2)
    revision = seen(shop, delivery_id).row.revision
    posted, scanned = at_once(
        lambda: shop.run(changes.post, "Wanda", delivery_id=delivery_id, seen=revision, key=key()),
        lambda: scan(shop, delivery_id, sku, actor="Mia"),
    )
    assert not isinstance(scanned, InvalidInput)
    if isinstance(posted, InvalidInput):  # the scan was first
        assert "Mia scanned 1 of " in posted.message
        assert "Nothing was changed" in posted.message
        assert by_code(seen(shop, delivery_id))[sku] == (5, 3, 0)
    else:
        assert by_code(seen(shop, delivery_id))[sku] == (5, 1, 2)
    post(shop, delivery_id)
    assert shop.on_hand(variant) == 3
    assert_holds(shop, variant)


def test_two_people_who_post_at_once_post_once(shop: Shop) -> None:
    sku = key()[:10]
    variant = shop.variant(sku=sku)
    delivery_id = announce(shop, f"{sku} 5")
    scan(shop, delivery_id, sku, 5)
    revision = seen(shop, delivery_id).row.revision
    done = at_once(*(
        lambda name=name: shop.run(changes.post, name, delivery_id=delivery_id, seen=revision, key=key())
        for name in ("Wanda", "Mia")
    ))  # fmt: skip
    (refused,) = [each for each in done if isinstance(each, InvalidInput)]
    assert "was received and closed by" in refused.message
    assert shop.on_hand(variant) == 5


def test_the_same_posting_again_is_the_first_one(shop: Shop) -> None:
    sku, same = key()[:10], key()
    variant = shop.variant(sku=sku)
    delivery_id = announce(shop, f"{sku} 5")
    scanned = scan(shop, delivery_id, sku, 3, key=same)
    again = scan(shop, delivery_id, sku, 3, key=same)
    assert (scanned.replayed, again.replayed, again.counted) == (False, True, 3)
    with pytest.raises(KeyReused):
        scan(shop, delivery_id, sku, 4, key=same)
    same = key()
    first, second = post(shop, delivery_id, key=same), post(shop, delivery_id, key=same)
    assert first is not None
    assert second is not None
    assert (first.operation_id, first.replayed, second.replayed) == (second.operation_id, False, True)
    assert shop.on_hand(variant) == 3


def test_a_page_opened_before_somebody_changed_the_lines_posts_nothing(shop: Shop) -> None:
    sku = key()[:10]
    variant = shop.variant(sku=sku)
    delivery_id = announce(shop, f"{sku} 5")
    scan(shop, delivery_id, sku, 5)
    earlier = seen(shop, delivery_id)
    fix = Correction(line_id=earlier.lines[0].line_id, expected=5, counted=4)
    shop.run(changes.change, "Mia", delivery_id=delivery_id, seen=earlier.row.revision, changes=[fix], key=key())
    for operation, values in ((changes.post, {}), (changes.change, {"changes": [fix]})):
        with pytest.raises(InvalidInput, match="has changed since this page showed it: Mia changed"):
            shop.run(operation, "Wanda", delivery_id=delivery_id, seen=earlier.row.revision, key=key(), **values)
    assert shop.on_hand(variant) == 0
    assert seen(shop, delivery_id).steps[0].detail == "counted 4, was 5"


def test_a_scan_after_the_delivery_is_closed_is_refused_with_who_closed_it(shop: Shop) -> None:
    sku = key()[:10]
    shop.variant(sku=sku)
    delivery_id = announce(shop, f"{sku} 2", reference=f"LS-{sku}")
    scan(shop, delivery_id, sku, 2)
    post(shop, delivery_id, "Mia")
    with pytest.raises(InvalidInput, match=f"LS-{sku} was received and closed by Mia at .* Open it again"):
        scan(shop, delivery_id, sku)
    shop.run(changes.reopen, "Wanda", delivery_id=delivery_id, key=key())
    assert scan(shop, delivery_id, sku).scanned == 3


def test_a_note_that_two_people_upload_at_once_is_one_delivery(shop: Shop) -> None:
    text, other = f"{key()[:8]};2;9,50\nB;1;", "x"
    lines = note.parse(text)
    reference = f"LS-{key()[:8]}"
    made = at_once(*(
        lambda name=name, rows=rows: shop.run(changes.announce, name, lines=rows, reference=reference, key=key())
        for name, rows in (("Wanda", lines), ("Mia", tuple(reversed(lines))))
    ))  # fmt: skip
    assert sorted(each.is_known for each in made) == [False, True]
    assert len({each.delivery_id for each in made}) == 1
    again = shop.run(changes.announce, "Ada", lines=note.parse(f"{text}\n{other};1"), reference=reference, key=key())
    assert not again.is_known, "other lines are another note"
    shop.run(changes.cancel, "Wanda", delivery_id=made[0].delivery_id, key=key())
    after = shop.run(changes.announce, "Wanda", lines=lines, reference=reference.lower(), key=key())
    assert not after.is_known, "a cancelled note can be sent again"


def test_support_reads_deliveries_and_changes_none_and_carl_sees_nothing(shop: Shop) -> None:
    sku = key()[:10]
    variant = shop.variant(sku=sku)
    delivery_id = announce(shop, f"{sku} 2", actor="Mia")
    line_id = seen(shop, delivery_id).lines[0].line_id
    at = {"delivery_id": delivery_id, "key": key()}
    attempts: tuple[tuple[Any, dict[str, Any]], ...] = (
        (changes.announce, {"lines": note.parse("A 1"), "key": key()}),
        (changes.begin, {"key": key()}),
        (changes.scan, at | {"code": sku}),
        (changes.scan_in, at | {"variant_id": variant, "units": 1}),
        (changes.add, at | {"lines": note.parse("A 1")}),
        (changes.change, at | {"seen": 0, "changes": [Correction(line_id=line_id, expected=1, counted=1)]}),
        (changes.attach, at | {"line_id": line_id, "variant_id": variant}),
        (changes.post, at | {"seen": 0}),
        (changes.cancel, at),
        (changes.reopen, at),
    )  # fmt: skip
    for operation, values in attempts:
        with pytest.raises(Forbidden):
            shop.run(operation, "Sam", **values)
        with pytest.raises(SignInRequired):
            shop.run(operation, "Carl", **values)
    assert seen(shop, delivery_id).row.state is DeliveryState.EXPECTED
    assert roles_for(Permission.RECEIVE) == ["warehouse", "manager", "admin"]
