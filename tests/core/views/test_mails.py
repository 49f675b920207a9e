"""The mail with a person's views: read as a mailbox reads it, once a day, with the rights of now, and on record."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, time, timedelta
from email.message import EmailMessage
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from core.alerts import notifier
from core.foundation.errors import InvalidInput
from core.foundation.settings import Settings, load_settings
from core.jobs.chores import CHORES
from core.people import administration
from core.people.access import ROLES, Permission
from core.reports import menu
from core.views import letters, mailing, saved, schedule
from core.views.schedule import Mail, MailState, Rhythm
from tests.conftest import open_fresh
from tests.support.builders import ZONE, PastLine, Shop, key
from tests.support.receivers import Mailbox, mailbox, socket_free
from tests.support.servers import Server

ALWAYS = time(0)


@pytest.fixture(scope="module")
def stocked(server: Server) -> Iterator[Shop]:
    """A shop that sold for three days, with a low and an empty variant."""
    for shop in open_fresh(server):
        now = datetime.now(ZoneInfo(ZONE)).replace(hour=12)
        shoes = [shop.variant(sku=f"SHOE-{size}", product="Canvas & co", size=str(size)) for size in (40, 41, 42)]
        for back in (1, 2, 3):
            at = now - timedelta(days=back)
            lines = [PastLine(variant_id=shoe, quantity=12, occurred_at=at, movement_type="purchase", reason="delivery")
                     for shoe in shoes]  # fmt: skip
            shop.post_past(*lines)
            shop.post_past(PastLine(variant_id=shoes[0], quantity=-5, occurred_at=at + timedelta(minutes=1),
                                    movement_type="sale", reason="stock_decrease"))  # fmt: skip
        shop.sql("update public.product_variants set reorder_point = 100 where sku = 'SHOE-41'")
        yield shop


@pytest.fixture
def shop(stocked: Shop) -> Shop:
    """The same shop without views and mails."""
    for table in ("view_mails", "subscribed_views", "view_subscriptions", "start_pages", "saved_views"):
        stocked.sql(f"delete from stockroom.{table}")
    return stocked


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """The mail server to which the shop's account belongs."""
    with mailbox() as box:
        use(monkeypatch, mail_url=box.url)
        yield box


def use(monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
    found: Settings = replace(load_settings(), public_url="https://stock.example", **settings)
    monkeypatch.setattr(mailing, "load_settings", lambda: found)


def choose(shop: Shop, person: str = "Mia", rhythm: Rhythm = Rhythm.DAILY, **views: tuple[str, str]) -> list[int]:
    """Save views and choose them for the mail of a person, as if that were a week ago."""
    views = views or {"Low": ("stock", "stk_status=Low"), "Sold": ("movements", "mov_type=Sale")}
    found = [int(shop.run(saved.save, person, name=name, page=page, query=query))
             for name, (page, query) in views.items()]  # fmt: skip
    shop.run(schedule.subscribe, person, rhythm=rhythm, at=ALWAYS, view_ids=found)
    shop.sql("update stockroom.view_subscriptions set since = now() - interval '8 days'")
    return found


def deliver(shop: Shop) -> list[str]:
    said: list[str] = []
    CHORES["mail_views"].work(shop.engine, None, said.append, threading.Event())
    return said


def own(shop: Shop, person: str = "Mia") -> tuple[Mail, ...]:
    return tuple(shop.run(schedule.mails, person))


def parts(mail: EmailMessage) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for part in mail.walk():
        if not part.is_multipart():
            found.setdefault(part.get_content_type(), []).append(part)
    return found


def test_a_mailbox_shows_the_numbers_in_text_and_html_with_a_picture_of_each_chart(shop: Shop, post: Mailbox) -> None:
    low, _ = choose(shop)
    assert deliver(shop) == ["Mailed the views of 1 person."]
    ((to, mail),) = post.got
    assert to == ["mia@shop.example"]
    assert mail["From"].addresses[0].addr_spec == "shop@shop.example"
    assert "Low, Sold" in mail["Subject"]
    assert mail["List-Unsubscribe"] == "<https://stock.example/views>"
    found = parts(mail)
    text, html = found["text/plain"][0].get_content(), found["text/html"][0].get_content()
    assert "Units out  −15" in text.replace("   ", "  ")  # noqa: RUF001
    assert "SHOE-41" in text
    assert "SHOE-42" not in text, "it is not low"
    assert f"https://stock.example/stock?view={low}&stk_status=Low" in text
    assert "Canvas &amp; co" in html
    assert f'href="https://stock.example/stock?view={low}&amp;stk_status=Low"' in html
    for nth, part in enumerate(found["image/png"], start=1):
        assert part["Content-ID"] == f"<chart-{nth}>"
        assert f'src="cid:chart-{nth}"' in html
        picture = Image.open(io.BytesIO(part.get_content()))
        assert picture.width > 1_000
        assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 20, "it is not one empty area"
    assert nth == 2
    (record,) = own(shop)
    assert (record.state, record.recipient, record.pictures) == (MailState.SENT, "mia@shop.example", 2)
    assert record.body == text.replace("\r\n", "\n")


def test_a_day_has_one_mail_however_often_and_by_how_many_workers_it_is_sent(shop: Shop, post: Mailbox) -> None:
    choose(shop)
    choose(shop, "Sam", Rhythm.DAILY, All=("stock", ""))
    start = threading.Barrier(2)

    def work() -> None:
        start.wait()
        deliver(shop)

    with ThreadPoolExecutor(2) as pool:
        for each in [pool.submit(work) for _ in range(2)]:
            each.result()
    deliver(shop)
    assert sorted(to for ((to,), _) in post.got) == ["mia@shop.example", "sam@shop.example"]
    shop.run(schedule.subscribe, "Mia", rhythm=Rhythm.WEEKLY, at=ALWAYS,
             view_ids=[each.view_id for each in shop.run(saved.views, "Mia")])  # fmt: skip
    shop.sql("update stockroom.view_subscriptions set since = now() - interval '8 days'")
    deliver(shop)
    assert len(post.got) == 2, "not even a Monday brings a second one to who changes the rhythm"


def test_a_worker_that_dies_leaves_the_mail_to_the_next_unless_the_server_may_have_it(
    shop: Shop, post: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(shop)
    at_once = "update stockroom.view_mails set due_at = now() - interval '1 second' where state = 'waiting'"
    with monkeypatch.context() as patch:
        patch.setattr(letters, "letter", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            deliver(shop)
    assert deliver(shop) == [], "another worker may still be at it"
    shop.sql(at_once)
    with monkeypatch.context() as patch:
        patch.setattr(mailing, "_finish", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            deliver(shop)
    shop.sql(at_once)
    deliver(shop)
    deliver(shop)
    assert len(post.got) == 1
    (record,) = own(shop)
    assert (record.state, record.attempts) == (MailState.FAILED, 2)
    assert "may have arrived" in str(record.why)


def test_a_mail_that_the_server_refuses_is_tried_again_later_and_keeps_its_id(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(shop)
    with socket_free() as port:
        use(monkeypatch, mail_url=f"mailto://127.0.0.1:{port}/?from=shop@shop.example&to=x@shop.example&mode=insecure")
    assert deliver(shop) == ["1 mail could not be delivered yet."]
    (record,) = own(shop)
    assert (record.state, record.attempts) == (MailState.WAITING, 1)
    assert record.due_at > datetime.now(ZoneInfo(ZONE))
    assert "could not be reached" in str(record.why)
    with mailbox("550 no such mailbox") as box:
        use(monkeypatch, mail_url=box.url)
        shop.sql("update stockroom.view_mails set due_at = now()")
        deliver(shop)
    (record,) = own(shop)
    assert (record.state, record.why) == (MailState.FAILED, "It answered with an error (550).")


def test_a_mail_has_the_rights_of_the_moment_in_which_it_is_sent(
    shop: Shop, post: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(shop, "Mia", Rhythm.DAILY, Money=("reports", "report=sell-through"), Sold=("movements", "mov_type=Sale"))
    report = menu.REPORTS["sell-through"]
    monkeypatch.setitem(menu.REPORTS, report.name, replace(report, permission=Permission.PROVE))
    assert "support" not in ROLES[Permission.PROVE]
    mia = shop.person("Mia").user_id
    shop.run(administration.set_role, "Ada", user_id=mia, role="support")
    deliver(shop)
    text = parts(post.got[0][1])["text/plain"][0].get_content()
    assert "1 view could not be read for you" in text
    assert "Sell-through." not in text
    shop.run(administration.set_role, "Ada", user_id=mia, role="manager")
    mailing.send_now(shop.engine, shop.person("Mia"), key=key())
    assert "Sell-through." in parts(post.got[1][1])["text/plain"][0].get_content()
    shop.sql("delete from stockroom.view_mails")
    made = letters.letter

    def meanwhile(*given: Any, **values: Any) -> Any:
        shop.sql("update stockroom.users set is_active = false where id = :id", id=mia)
        return made(*given, **values)

    monkeypatch.setattr(letters, "letter", meanwhile)
    deliver(shop)
    shop.sql("update stockroom.users set is_active = true where id = :id", id=mia)
    assert len(post.got) == 2, "the account was deactivated while the mail was made"
    assert own(shop)[0].why == "The account is not active."


def test_money_in_a_mail_is_for_those_who_see_money(shop: Shop, post: Mailbox) -> None:
    choose(shop, "Mia", Worth=("movements", "mov_in=Money&mov_group=Person&mov_step=Week"))
    choose(shop, "Wanda", Worth=("movements", "mov_in=Money&mov_group=Person&mov_step=Week"))
    deliver(shop)
    texts = {to: parts(mail)["text/plain"][0].get_content() for ((to,), mail) in post.got}
    assert "Value out" in texts["mia@shop.example"]
    assert "The past" in texts["mia@shop.example"], "the rows are people"
    assert "Value out" not in texts["wanda@shop.example"]
    assert "Units out" in texts["wanda@shop.example"]


def test_a_view_that_is_no_longer_shared_or_was_deleted_is_not_mailed(shop: Shop, post: Mailbox) -> None:
    number = int(shop.run(saved.save, "Wanda", name="Shelf", page="stock", query="", is_shared=True))
    shop.run(schedule.subscribe, "Mia", rhythm=Rhythm.DAILY, at=ALWAYS, view_ids=[number])
    shop.sql("update stockroom.view_subscriptions set since = now() - interval '8 days'")
    shop.run(saved.share, "Wanda", view_id=number, version=1, is_shared=False)
    deliver(shop)
    assert (own(shop)[0].state, post.got) == (MailState.SKIPPED, [])
    with pytest.raises(InvalidInput, match="no longer shared"):
        shop.run(schedule.subscribe, "Mia", rhythm=Rhythm.DAILY, at=ALWAYS, view_ids=[number])


def test_one_asked_for_now_arrives_now_once_a_click_and_stopping_stops(
    shop: Shop, post: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    mia, click = shop.person("Mia"), key()
    with pytest.raises(InvalidInput, match="has no views"):
        mailing.send_now(shop.engine, mia, key=click)
    choose(shop)
    assert mailing.send_now(shop.engine, mia, key=click) is MailState.SENT
    assert mailing.send_now(shop.engine, mia, key=click) is None
    assert len(post.got) == 1
    shop.run(schedule.unsubscribe, "Mia")
    assert deliver(shop) == []
    assert not shop.run(schedule.subscription, "Mia").is_on
    use(monkeypatch, mail_url=None)
    assert mailing.send_now(shop.engine, mia, key=key()) is MailState.FAILED
    assert own(shop)[0].why == mailing.NO_ACCOUNT
    assert notifier.OUTBOX == "outbox://"


@pytest.mark.parametrize(("zone", "now", "days"), [
    ("Pacific/Auckland", "2026-11-29 19:30+00", {"weekly": "2026-11-30", "daily": "2026-11-30"}),
    ("Pacific/Auckland", "2026-11-29 17:30+00", {"weekly": None, "daily": "2026-11-29"}),
    ("America/Havana", "2026-11-02 12:30+00", {"weekly": "2026-11-02", "daily": "2026-11-02"}),
    ("Atlantic/Azores", "2026-03-30 06:59+00", {"weekly": None, "daily": "2026-03-29"}),
])  # fmt: skip
def test_monday_morning_is_that_of_the_shop(shop: Shop, zone: str, now: str, days: dict[str, str | None]) -> None:
    """What is due at a moment is computed by the same function that plans; the clock is that of the test."""
    body = str(shop.sql("select pg_get_functiondef('stockroom_api.view_mail_days(text, time)'::regprocedure)"))
    at_that_time = body.replace("now()", f"timestamptz '{now}'").replace("view_mail_days", "view_mail_days_then")
    shop.sql(
        at_that_time.replace("\n  FROM stockroom.shop p", "").replace(
            "from stockroom.shop p", f"from (values ('{zone}')) p (zone)"
        )
    )
    for rhythm, day in days.items():
        found = shop.sql(
            f"""select d.day::text from stockroom_api.view_mail_days_then('{rhythm}', '07:00') d
                 where d.moment <= timestamptz '{now}' and d.moment > timestamptz '{now}' - interval '1 day'
                 order by d.moment desc limit 1"""
        )
        assert found == day
    shop.sql("drop function stockroom_api.view_mail_days_then")
