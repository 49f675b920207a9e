"""What only a browser shows of the scan station: no scan is lost or doubled, one hand, one scanner, one camera."""

from __future__ import annotations

import struct
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
import zxingcpp
from playwright.sync_api import Page, expect

from tests.browser import chromium
from tests.browser.browsing import ARGUMENTS, Desk
from tests.support.dashboards import serve
from tests.support.people import PASSWORD, new_person

PACE = 0.1  # seconds from one scan to the next


@pytest.fixture
def ash(desk: Desk) -> tuple[str, UUID]:
    """The SKU and id of a new shoe with three units on hand."""
    sku = f"ASH-{uuid.uuid4().hex[:6].upper()}"
    return sku, desk.shop.variant(3, sku=sku, product="Ash shoe", size="42")


def open_station(desk: Desk, tab: Page, email: str, url: str = "", mode: str = "Adjust") -> None:
    url = url or desk.url
    desk.admit(tab, email, url)
    tab.goto(f"{url}/scan")
    choose(tab, mode)


def choose(tab: Page, mode: str) -> None:
    expect(tab.get_by_role("status")).to_contain_text("Connected", timeout=10_000)
    tab.get_by_role("radio", name=mode).check(force=True)


def shoot(tab: Page, code: str, times: int = 1, at: dict[int, Callable[[], object]] | None = None) -> None:
    """Scan at ten a second, as a scanner types: three milliseconds a character, then Enter.

    The moments of the keys are set, so that a busy machine does not turn the scanner into a slow hand.
    """
    keyboard, began = tab.context.new_cdp_session(tab), time.monotonic()
    for n in range(times):
        tab.wait_for_timeout(max(0.0, began + n * PACE - time.monotonic()) * 1000)
        now = time.time()
        for place, character in enumerate([*code, "\r"]):
            key = {"key": character, "text": character} if character != "\r" else {"key": "Enter", "text": "\r"}
            keyboard.send("Input.dispatchKeyEvent", {"type": "keyDown", "timestamp": now + place * 0.003, **key})
        if at and n in at:
            at[n]()
    keyboard.detach()


def applied(desk: Desk, variant: UUID, units: int) -> list[int]:
    """The movements since the receipt, as soon as there are as many as expected, and a moment later."""
    deadline = time.monotonic() + 30
    while desk.shop.on_hand(variant) < 3 + units and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(0.5)
    return [row.quantity for row in desk.shop.history(variant)[1:]]


def test_fifty_scans_at_ten_a_second_are_applied_once_each_though_the_server_is_restarted(
    desk: Desk, ash: tuple[str, UUID]
) -> None:
    sku, variant = ash
    context = desk.browser.new_context()  # not of the desk, whose server runs on
    tab, email = context.new_page(), new_person(desk.shop, password=None)
    with serve(desk.shop.app_url) as url:
        open_station(desk, tab, email, url)
        shoot(tab, sku, 20)
    shoot(tab, sku, 15)
    expect(tab.get_by_role("status")).to_contain_text("Not connected")
    with serve(desk.shop.app_url, port=int(url.rpartition(":")[2])):
        shoot(tab, sku, 15)
        assert applied(desk, variant, 50) == [1] * 50
        expect(tab.locator("#answer")).to_contain_text("52 \u2192 53", timeout=10_000)
        expect(tab.get_by_role("status")).to_have_text("Connected", timeout=10_000)
    context.close()


def test_fifty_scans_survive_a_broken_connection_a_reload_and_a_closed_tab(desk: Desk, ash: tuple[str, UUID]) -> None:
    sku, variant = ash
    tab, email = desk.tab(phone=True), new_person(desk.shop, password=None)
    open_station(desk, tab, email)
    tab.evaluate("navigator.serviceWorker.ready")
    began = time.monotonic()
    shoot(tab, sku, 20, {9: lambda: tab.context.set_offline(True)})
    tab.reload()  # from the cache of the service worker
    expect(tab.get_by_role("status")).to_contain_text("Not connected", timeout=10_000)
    shoot(tab, sku, 15)
    tab.close()
    tab = tab.context.new_page()
    tab.goto(f"{desk.url}/scan")
    expect(tab.get_by_role("status")).to_contain_text("kept", timeout=10_000)
    shoot(tab, sku, 15, {9: lambda: tab.context.set_offline(False)})
    assert applied(desk, variant, 50) == [1] * 50
    history = desk.shop.history(variant)[1:]
    waited = max(row.created_at - row.occurred_at for row in history).total_seconds()
    assert 2 < waited < time.monotonic() - began, "each has the moment of its scan, not of its posting"


@pytest.mark.parametrize("phone", [False, True])
def test_a_shelf_is_corrected_with_scanner_and_keys_within_four_seconds_and_undone_by_one_key(
    desk: Desk, ash: tuple[str, UUID], phone: bool
) -> None:
    sku, variant = ash
    tab = desk.tab(phone=phone)
    open_station(desk, tab, new_person(desk.shop, password=None), mode="Look up")
    if not phone:  # from Stock and back
        tab.get_by_role("link", name="Back to Stock").click()
        tab.get_by_test_id("stSidebarNav").get_by_role("link", name="Scan").click()
        choose(tab, "Look up")
    began = time.monotonic()
    tab.keyboard.press("Alt+2")
    tab.keyboard.type("-2*", delay=80)
    shoot(tab, sku)
    expect(tab.locator("#answer")).to_contain_text("3 \u2192 1")
    took = time.monotonic() - began
    assert took < 4, took
    assert desk.shop.on_hand(variant) == 1
    tab.keyboard.press("u")
    expect(tab.locator("#answer")).to_contain_text("1 \u2192 3")
    expect(tab.locator("#code")).to_be_focused()
    tab.get_by_role("searchbox", name="Search variants").focus()
    shoot(tab, sku)
    expect(tab.locator("#answer")).to_contain_text("3 \u2192 1")
    expect(tab.get_by_role("searchbox", name="Search variants")).to_have_value("")
    tab.get_by_role("button", name=f"Add: {sku}").click()
    expect(tab.locator("#answer")).to_contain_text("1 \u2192 3")
    assert [row.quantity for row in desk.shop.history(variant)[1:]] == [-2, 2, -2, 2]
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_u_takes_back_a_scan_that_was_tried_again_and_a_scan_into_a_list_or_a_dialog_does_nothing_else(
    desk: Desk, ash: tuple[str, UUID]
) -> None:
    tab = desk.tab()
    open_station(desk, tab, new_person(desk.shop, password=None))
    shoot(tab, ash[0])
    expect(tab.locator("#answer")).to_contain_text("3 \u2192 4")
    shoot(tab, "FOUND-77")
    expect(tab.locator("#refused")).to_contain_text("No variant has the code FOUND-77")
    variant = desk.shop.variant(5, sku="FOUND-77")
    tab.get_by_role("button", name="Try again").click()
    expect(tab.locator("#answer")).to_contain_text("5 \u2192 6")
    tab.locator("#code").focus()
    tab.keyboard.press("u")
    expect(tab.locator("#answer")).to_contain_text("6 \u2192 5")
    reason = tab.locator("#reason").input_value()
    tab.locator("#reason").focus()
    shoot(tab, "FOUND-77")
    expect(tab.locator("#answer")).to_contain_text("5 \u2192 6")
    tab.get_by_role("button", name="One unit more").click()
    assert tab.locator("#reason").input_value() == reason
    shoot(tab, "NEW-77")
    tab.get_by_role("button", name="Attach code").click()
    shoot(tab, "FOUND-77")
    tab.get_by_role("radio", name="FOUND-77").check()
    shoot(tab, ash[0])  # another one after all
    expect(tab.get_by_role("radio", name="FOUND-77")).to_have_count(0)
    expect(tab.get_by_role("button", name="Attach and post")).to_be_disabled()
    tab.get_by_role("radio", name=ash[0]).check()
    tab.get_by_role("button", name="Attach and post").click()
    expect(tab.locator("#answer")).to_contain_text("4 \u2192 6")
    tab.locator("#units").click()
    shoot(tab, ash[0])
    expect(tab.locator("#answer")).to_contain_text("this scan was not kept")
    assert [desk.shop.on_hand(each) for each in (ash[1], variant)] == [6, 6]


@pytest.mark.parametrize(("width", "height"), [(844, 390), (667, 375), (932, 430)])
def test_the_whole_result_and_every_button_are_in_sight_on_a_phone_on_its_side(
    desk: Desk, ash: tuple[str, UUID], width: int, height: int
) -> None:
    tab = desk.tab()
    tab.set_viewport_size({"width": width, "height": height})
    open_station(desk, tab, new_person(desk.shop, password=None))
    shoot(tab, ash[0])
    expect(tab.locator("#answer")).to_contain_text("3 \u2192 4")
    for shown in (tab.locator("#answer"), tab.get_by_role("button", name="Undo"), tab.locator("#code")):
        expect(shown).to_be_in_viewport(ratio=1)
    expect(tab.locator(".modes")).to_be_in_viewport(ratio=1)
    result, hands = tab.locator("#answer").bounding_box(), tab.locator("footer").bounding_box()
    assert result
    assert hands
    assert result["y"] + result["height"] <= hands["y"]


def test_scans_wait_for_the_person_who_made_them_when_another_signs_in_on_that_browser(
    desk: Desk, ash: tuple[str, UUID]
) -> None:
    sku, variant = ash
    tab, first, second = desk.tab(), new_person(desk.shop), new_person(desk.shop)
    for name, email in (("First", first), ("Second", second)):
        desk.shop.sql("update stockroom.users set name = :name where email = :email", name=name, email=email)
    open_station(desk, tab, first)
    desk.shop.sql("update stockroom.sessions set revoked_at = now()")
    shoot(tab, sku, 2)
    expect(tab.get_by_role("status")).to_have_text("Signed out, 2 kept")
    later = tab.context.new_page()
    sign_in(later, desk, second)
    expect(later.get_by_role("alert")).to_contain_text("2 scans by First still wait on this device")
    tab.bring_to_front()
    tab.evaluate("dispatchEvent(new Event('online'))")  # the page that the first person left open tries again
    expect(tab.get_by_role("dialog")).to_contain_text("Second is signed in now")
    shoot(tab, sku)
    tab.get_by_role("button", name="Continue as Second").click()
    choose(tab, "Receive")
    shoot(tab, sku)
    expect(tab.locator("#answer")).to_contain_text("3 \u2192 4")
    assert [row.performed_by for row in desk.shop.history(variant)[1:]] == ["Second"]
    tab.context.clear_cookies()
    sign_in(later, desk, first)
    expect(later.locator("#answer")).to_contain_text("5 \u2192 6")
    assert [row.performed_by for row in desk.shop.history(variant)[1:]] == ["Second", "First", "First"]


def sign_in(tab: Page, desk: Desk, email: str) -> None:
    tab.goto(f"{desk.url}/sign-in?next=/scan")
    tab.get_by_label("Email").fill(email)
    tab.get_by_label("Password").fill(PASSWORD)
    tab.keyboard.press("Enter")
    tab.wait_for_url(f"{desk.url}/scan")
    expect(tab.get_by_role("status")).to_contain_text("Connected")


# ---------------------------------------------------------------- camera


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A folder with a film and a photo of the EAN 4006381333931, in grey, without compression."""
    code = zxingcpp.write_barcode_to_image(
        zxingcpp.create_barcode("4006381333931", zxingcpp.BarcodeFormat.EAN13), scale=4
    )
    grey = memoryview(code)  # type: ignore[arg-type]
    (high, wide), (height, width) = grey.shape or (0, 0), (480, 640)
    rows = [bytearray([205]) * width for _ in range(height)]
    for y in range(high):
        rows[y + 120][80 : 80 + wide] = bytes(grey[y, x] for x in range(wide))
    (tmp_path / "shelf.y4m").write_bytes(
        b"YUV4MPEG2 W640 H480 F10:1\nFRAME\n" + b"".join(rows) + b"\x80" * (width * height // 2)
    )
    palette = b"".join(bytes([n, n, n, 0]) for n in range(256))
    head = struct.pack(
        "<2sIIIIiiHHIIiiII", b"BM", 1078 + width * height, 0, 1078, 40, width, -height, 1, 8, 0, 0, 0, 0, 256, 0
    )
    (tmp_path / "shelf.bmp").write_bytes(head + palette + b"".join(rows))
    return tmp_path


def test_the_camera_stays_open_and_takes_a_code_once_while_it_is_in_the_picture_and_a_photo_is_read_too(
    desk: Desk, picture: Path
) -> None:
    variant = desk.shop.variant(3, sku="FILM-1", barcode="4006381333931")
    film = [f"--use-file-for-fake-video-capture={picture / 'shelf.y4m'}", "--use-fake-ui-for-media-stream"]
    path = chromium.find()
    camera = desk.browser.browser_type.launch(
        executable_path=path, args=[*ARGUMENTS, "--use-fake-device-for-media-stream", *film]
    )
    tab = camera.new_context(viewport={"width": 390, "height": 844}, permissions=["camera"]).new_page()
    open_station(desk, tab, new_person(desk.shop, password=None))
    tab.get_by_role("button", name="Camera", exact=True).click()
    expect(tab.locator("#answer")).to_contain_text("3 \u2192 4", timeout=30_000)
    tab.wait_for_timeout(2_500)
    expect(tab.get_by_role("button", name="Camera", exact=True)).to_have_attribute("aria-pressed", "true")
    assert desk.shop.on_hand(variant) == 4
    tab.get_by_role("button", name="Camera", exact=True).click()
    tab.locator("#photo").set_input_files(picture / "shelf.bmp")
    expect(tab.locator("#answer")).to_contain_text("4 \u2192 5", timeout=10_000)
    taken = tab.evaluate("""async () => {
        const here = document.querySelector("script[type=module]").src;
        const { Picture } = await import(here.replace("station", "camera"));
        const picture = new Picture();
        const looks = [[0, "a"], [900, "a"], [1000], [1100, "a"], [1200], [1400], [1600],
            [1900, "a", "b"], [2000, "b"]];
        return looks.map(([now, ...codes]) => picture.fresh(codes, now).join());
    }""")
    assert taken == ["a", "", "", "", "", "", "", "", "b"], "two codes in one picture may be of one box"
    camera.close()
