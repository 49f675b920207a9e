"""The job of the Stripe guard: it looks at Stripe when a level changed, and at everything once an hour.

An act is noted before Stripe is asked, under an idempotency key of its own. It begins only while the guard is on, so
the kill switch and the brake are valid between any two requests. An act without an answer is looked up at Stripe first.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Engine

from core.database.engine import run
from core.foundation.errors import StockError, StripeRefused
from core.foundation.text import many
from core.inbox import messages as inbox
from core.inbox.messages import WORKER
from core.storefront.guard import keeping, reading
from core.storefront.guard.keeping import Due, Known, Last, Units
from core.storefront.guard.reading import Json
from core.storefront.guard.setting import Act, ActState, Found, Mode
from core.stripe.gateway import Gateway

ENTRY = "stockroom_guard"
"""The entry in the metadata of a Payment Link that we deactivated."""
AT_ONCE = 50
"""So many objects are kept as soon as they are read, so that a run that is stopped is no loss."""
NO_KEY = "There is no key for the guard: set STOCKROOM_STRIPE_GUARD_KEY."


class _Stopped(Exception):
    """The guard was switched off, the brake stopped it, or the worker stops."""


def watch(
    engine: Engine, reader: Gateway | None, guard: Gateway | None, say: Callable[[str], None], stopping: threading.Event
) -> bool:
    """Look at Stripe if that is due. A dry run without the guard's own key reads with the everyday key, `reader`."""
    due = run(engine, keeping.due, WORKER)
    if due.mode is Mode.OFF or stopping.is_set():
        return False
    if not due.is_full and not _concerns(engine, due):
        run(engine, keeping.end_look, WORKER, due=due)
        return False
    gateway = guard or (reader if due.mode is Mode.DRY else None)
    if gateway is None:
        run(engine, keeping.end_look, WORKER, due=due, trouble=NO_KEY)
        return False
    look = _Look(engine=engine, gateway=gateway, mode=due.mode, is_full=bool(due.is_full), stopping=stopping)
    try:
        look.go()
    except _Stopped:
        pass
    except StockError as error:
        run(engine, keeping.end_look, WORKER, due=due, trouble=error.message)
        raise
    else:
        run(engine, keeping.end_look, WORKER, due=due)
    finally:
        if look.done.total():
            say(_said(look.done, due.mode))
    return False


def _said(done: Counter[Act], mode: Mode) -> str:
    links, sessions = many(done[Act.DEACTIVATE], "Payment Link"), many(done[Act.EXPIRE], "Checkout Session")
    if mode is Mode.DRY:
        return f"Dry run: would deactivate {links}, activate {done[Act.ACTIVATE]:,}, and expire {sessions}."
    return f"Deactivated {links}, activated {done[Act.ACTIVATE]:,}, and expired {sessions}."


def _concerns(engine: Engine, due: Due) -> bool:
    """Return whether a variant went out, or an object that is known sells one whose level changed."""
    if due.out_ids or not due.changed_ids:
        return bool(due.out_ids)
    changed = set(due.changed_ids)
    return any(not changed.isdisjoint(each.items) for each in run(engine, keeping.objects, WORKER))


@dataclass(slots=True, kw_only=True)
class _Look:
    """One look at Stripe."""

    engine: Engine
    gateway: Gateway
    mode: Mode
    is_full: bool
    stopping: threading.Event
    known: dict[str, Known] = field(default_factory=dict)
    last: dict[tuple[str, Mode], Last] = field(default_factory=dict)
    item_code: str | None = None
    done: Counter[Act] = field(default_factory=Counter)

    def go(self) -> None:
        """Look at the links and the open sessions; close what cannot be served, then open what can."""
        self.known = {each.object_id: each for each in run(self.engine, keeping.objects, WORKER)}
        self.item_code = run(self.engine, inbox.link, WORKER).item_code
        if self.mode is Mode.ON:
            self._settle()
        self.last = {(each.object_id, each.mode): each for each in run(self.engine, keeping.links, WORKER)}
        active = list(self.gateway.links())
        links = active + self._deactivated({str(link["id"]) for link in active})
        sold = self._sold("link", {str(link["id"]): self.gateway.link_items for link in links})
        levels = reading.levels_of(self.engine, (each for units in sold.values() for each in units))
        short = {each for each, units in sold.items() if reading.short(units, levels)}
        for link in links:
            if link["id"] in short:
                self._close(link, sold[str(link["id"])])
        self._expire_sessions()
        for link in links:
            if link["id"] not in short:
                self._open(link, sold[str(link["id"])])

    def _settle(self) -> None:
        """Look up what became of the acts without an answer."""
        for act_id, act, object_id, entry in run(self.engine, keeping.unanswered, WORKER):
            found = self.gateway.session(object_id) if act == Act.EXPIRE else self.gateway.link(object_id)
            is_done = found is not None and _shows(found, Act(act), entry)
            state, answer = (
                (ActState.DONE, "Stripe shows it") if is_done else (ActState.LOST, "Stripe does not show it")
            )
            run(self.engine, keeping.end_act, WORKER, act_id=act_id, state=state, answer=answer)

    def _deactivated(self, active: set[str]) -> list[Json]:
        """Return the links that we deactivated, that are inactive still, and that there seems to be enough for."""
        ours = [
            each.object_id
            for each in self.last.values()
            if each.mode is Mode.ON
            and each.object_id not in active
            and (each.act is Act.DEACTIVATE or (each.act is Act.ACTIVATE and each.state is not ActState.DONE))
            and self._may_be_back(each.object_id)
        ]
        found = [self.gateway.link(link_id) for link_id in ours]
        return [link for link in found if link and _entry(link) == self._entry_of(link)]

    def _may_be_back(self, link_id: str) -> bool:
        units = self.known[link_id].items if link_id in self.known else {}
        return not reading.short(units, reading.levels_of(self.engine, units))

    def _entry_of(self, link: Json) -> str | None:
        last = self.last.get((str(link["id"]), Mode.ON))
        return last.entry if last else None

    def _sold(self, kind: str, read: Mapping[str, Callable[[str], list[Json]]]) -> dict[str, Units]:
        """Return what objects sell. Line items of sessions are read once, those of links once an hour."""
        missing = [
            each
            for each in read
            if each not in self.known or (kind == "link" and self.is_full and self.known[each].is_old)
        ]
        for start in range(0, len(missing), AT_ONCE):
            items = dict[str, list[Json]]()
            for each in missing[start : start + AT_ONCE]:
                self._heed()
                items[each] = read[each](each)
            found = reading.sold(self.engine, items, self.item_code)
            run(self.engine, keeping.keep, WORKER, kind=kind, found=found)
            for each, units in found.items():
                over = self.known[each].over if each in self.known else None
                self.known[each] = Known(object_id=each, kind=kind, items=units, over=over)
        return {each: self.known[each].items for each in read}

    # ------------------------------------------------------------ links

    def _close(self, link: Json, units: Units) -> None:
        """Deactivate a link that is short. One that a person activated although it was short is left alone."""
        if not link["active"]:
            return
        link_id, entry = str(link["id"]), _entry(link)
        known = self.known.get(link_id)
        if entry and entry == self._entry_of(link) and entry != (known.over if known else None):
            self._note(Act.LEAVE, link_id, units, "nothing: a person activated it after the guard")
            return
        self._act(
            Act.DEACTIVATE, link_id, units, f"POST /v1/payment_links/{link_id} active=false",
            lambda key: self.gateway.switch_link(link_id, key=key, active=False, metadata={ENTRY: key}),
        )  # fmt: skip

    def _open(self, link: Json, units: Units) -> None:
        """Activate a link of which there is enough again, if we deactivated it."""
        link_id, entry = str(link["id"]), _entry(link)
        if not units:  # its codes name no variant any more
            return
        if link["active"]:
            if entry and entry == self._entry_of(link):
                run(self.engine, keeping.pass_entry, WORKER, object_id=link_id, entry=entry)
            dry = self.last.get((link_id, Mode.DRY))
            if self.mode is not Mode.DRY or dry is None or dry.act is not Act.DEACTIVATE:
                return
        self._act(
            Act.ACTIVATE, link_id, units, f"POST /v1/payment_links/{link_id} active=true",
            lambda key: self.gateway.switch_link(link_id, key=key, active=True, metadata={ENTRY: ""}),
        )  # fmt: skip

    # ------------------------------------------------------------ sessions

    def _expire_sessions(self) -> None:
        """Expire the open sessions that can no longer be served."""
        sessions = {
            str(each["id"]): each for each in self.gateway.open_sessions() if each.get("mode", "payment") == "payment"
        }
        of_links = {each: link for each, s in sessions.items() if (link := self.known.get(s.get("payment_link") or ""))}
        others = {each: self.gateway.line_items for each in sessions if each not in of_links}
        sold = self._sold("session", others) | {each: link.items for each, link in of_links.items()}
        levels = reading.levels_of(self.engine, (each for units in sold.values() for each in units))
        for session_id, units in sold.items():
            if reading.short(units, levels) and not self._is_covered(sessions[session_id], units):
                self._expire(session_id, units)

    def _is_covered(self, session: Json, units: Units) -> bool:
        held = reading.held_for(self.engine, session)
        return bool(held) and not reading.short(units, reading.levels_of(self.engine, units), held)

    def _expire(self, session_id: str, units: Units) -> None:
        self._act(
            Act.EXPIRE, session_id, units, f"POST /v1/checkout/sessions/{session_id}/expire",
            lambda key: self.gateway.expire_session(session_id, key=key),
        )  # fmt: skip

    # ------------------------------------------------------------ acts

    def _act(self, act: Act, object_id: str, units: Units, asked: str, ask: Callable[[str], Json]) -> None:
        """Do one act at Stripe, if the levels of now still want it, and note the answer."""
        levels = reading.levels_of(self.engine, units)
        if bool(reading.short(units, levels)) is (act is Act.ACTIVATE):
            return
        begun = self._note(act, object_id, units, asked)
        if begun is None:
            return
        act_id, entry = begun
        self.done[act] += 1
        if self.mode is Mode.DRY:
            return
        state, answer, error = ActState.DONE, "200", None
        try:
            ask(entry)
        except StripeRefused as refused:
            state, answer, error = ActState.REFUSED, refused.message, refused
        run(self.engine, keeping.end_act, WORKER, act_id=act_id, state=state, answer=answer)
        if error and error.facts.get("status") in (401, 403):
            raise error

    def _heed(self) -> None:
        if self.stopping.is_set():
            raise _Stopped

    def _note(self, act: Act, object_id: str, units: Units, asked: str) -> tuple[int, str] | None:
        """Note that an act begins; return its number and entry, or None if it is noted already. Raises _Stopped."""
        self._heed()
        levels = reading.levels_of(self.engine, units)
        found = [
            Found(sku=levels[each].sku, least=least, available=levels[each].available)
            for each, least in units.items()
            if each in levels
        ]
        act_id, entry, goes_on = run(
            self.engine,
            keeping.begin_act,
            WORKER,
            mode=self.mode,
            act=act,
            object_id=object_id,
            found=found,
            asked=asked,
        )
        if not goes_on:
            raise _Stopped
        return None if act_id is None else (act_id, entry)


def _entry(link: Json) -> str | None:
    return (link.get("metadata") or {}).get(ENTRY)


def _shows(found: Json, act: Act, entry: str) -> bool:
    """Return whether an object at Stripe shows that an act was done."""
    if act is Act.EXPIRE:
        return bool(found.get("status") == "expired")
    return bool(found.get("active")) if act is Act.ACTIVATE else _entry(found) == entry
