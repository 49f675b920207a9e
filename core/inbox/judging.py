"""Chooses the reading of a cart: one that names variants and comes to what was paid. Everything else is a case.

Pure: the caller gathers the sources of a payment and asks the catalogue what their lines name. A cart from named fields
whose own prices add up is not even asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from core.carts.amounts import LINE_ITEMS, Fit, Tolerance, Weighed, weigh
from core.carts.possible import Possible, Readings
from core.carts.values import shown
from core.foundation.errors import UnreadableCart
from core.foundation.sales import AlertKind, Cart, CartLine, CartState, Payment
from core.inbox.items import Named

MOST_KEPT = 12
"""The most readings that a case shows."""

Question = tuple[str, tuple[str, ...], str | None]
"""What a line names: its code, its other codes, and its size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the catalogue has for a question: the variant, its SKU, and its price in minor units of the payment.

    `by_name`: product and size name it, not a code. `has_meaning`: people have said that it is a bundle or no goods.
    """

    variant_id: str | None = None
    sku: str | None = None
    price: int | None = None
    by_name: bool = False
    has_meaning: bool = False

    @property
    def is_known(self) -> bool:
        """Whether it is known what the line stands for."""
        return self.variant_id is not None or self.has_meaning


NOTHING = Answer()
Answers = Mapping[Question, Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a cart may be, its readings, and the payment as this source knows it. `unread`: why it cannot be read."""

    name: str
    payment: Payment
    readings: Readings = field(default_factory=Readings)
    unread: UnreadableCart | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A reading with what the catalogue says about its lines, and why it does not count (None: it counts)."""

    source: Source
    possible: Possible
    answers: tuple[Answer, ...]
    weighed: Weighed
    why: str | None

    @property
    def named(self) -> int:
        """How many of its lines name a variant, or have a meaning."""
        return sum(answer.is_known for answer in self.answers)

    @property
    def share(self) -> float:
        """The share of its lines that name a variant."""
        return self.named / len(self.answers)

    @property
    def takes(self) -> object:
        """What it takes off the shelf: units of each variant; readings that take the same are one."""
        if self.named < len(self.answers):
            return self.possible.cart.lines
        units: dict[str, int] = {}
        for line, answer in zip(self.possible.cart.lines, self.answers, strict=True):
            what = answer.variant_id or f"meaning of {line.code}"
            units[what] = units.get(what, 0) + line.quantity
        return frozenset(units.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The reading that is taken, or why there is none. `named` is None where the catalogue was not asked."""

    state: CartState
    taken: Judged | None = None
    why: str | None = None
    kind: AlertKind | None = None
    raw: str | None = None
    number: str | None = None
    named: int | None = None
    readings: tuple[Judged, ...] = ()

    @property
    def is_settled(self) -> bool:
        """Whether no other source can change it: every line of the cart that is taken names a variant."""
        return self.taken is not None and (self.named is None or self.named == len(self.taken.answers))

    @property
    def item_code(self) -> str | None:
        """The entry of a product's metadata that turned out to have the code, or None."""
        possible = self.taken.possible if self.taken else None
        return possible.name if isinstance(possible, Named) else None


def question(line: CartLine) -> Question:
    """Return what is to be asked about a line."""
    return (line.code, line.codes, line.size)


def plain_verdict(sources: Sequence[Source]) -> Verdict | None:
    """Return the verdict on an everyday cart, for which the catalogue is not needed; None for every other."""
    if len(sources) != 1 or len(sources[0].readings.possible) != 1:
        return None
    (source,) = sources
    (possible,) = source.readings.possible
    if not possible.certain or possible.cart.source == LINE_ITEMS:
        return None
    weighed = weigh(possible.cart, source.payment)
    if weighed.fit is not Fit.EXACT:
        return None
    answers = (NOTHING,) * len(possible.cart.lines)
    return Verdict(
        state=CartState.READ,
        taken=Judged(source=source, possible=possible, answers=answers, weighed=weighed, why=None),
    )


def judge(sources: Sequence[Source], answers: Answers, tolerance: Tolerance = Tolerance()) -> Verdict:  # noqa: B008 - frozen
    """Return which reading of all sources is taken, if exactly one counts; else why none is, with all of them."""
    found = [_judged(source, each, answers, tolerance) for source in sources for each in source.readings.possible]
    if not found:
        return _cartless(sources)
    counting = _distinct([each for each in found if each.why is None])
    if sold := next((each for each in counting if each.possible.certain and _is_sold(each)), None):
        return _taken(sold)
    if len(counting) == 1:
        return _taken(counting[0])
    if counting:
        why = f"its cart can be read in {len(counting)} ways, so nothing was taken off the shelf"
        return _case(_distinct(found), AlertKind.UNREADABLE_CART, why)
    return _none(sources, found)


def to_json(judged: Judged) -> dict[str, Any]:
    """Return a reading as it is kept with its order, for a person to choose from."""
    mapping = judged.possible.mapping
    lines = zip(judged.weighed.cart.lines, judged.answers, strict=True)
    return {
        "how": judged.possible.how,
        "why": judged.why,
        "source": judged.source.name,
        "mapping": mapping.to_json() if mapping else None,
        "amount": judged.weighed.comes_to,
        "lines": [
            line_row(line) | {"variant_id": answer.variant_id, "sku": answer.sku} for line, answer in lines
        ],
    }  # fmt: skip


def line_row(line: CartLine) -> dict[str, Any]:
    """Return a line as the database records it."""
    return {
        "code": line.code,
        "codes": list(line.codes),
        "size": line.size,
        "name": line.name,
        "quantity": line.quantity,
        "unit_price": line.unit_price,
    }


# ---------------------------------------------------------------- one reading


def _judged(source: Source, possible: Possible, answers: Answers, tolerance: Tolerance) -> Judged:
    named = tuple(answers.get(question(line), NOTHING) for line in possible.cart.lines)
    why = _unnamed(possible.cart, named)
    if why and not possible.certain:  # most ways to read a list by position end here
        return Judged(source=source, possible=possible, answers=named, weighed=_unweighed(possible.cart), why=why)
    prices = [answer.price for answer in named]
    weighed = weigh(possible.cart, source.payment, prices, tolerance, exactly=not possible.certain)
    why = why or weighed.why
    if why is None and not possible.certain:
        why = _other_price(weighed.cart, named)
    return Judged(source=source, possible=possible, answers=named, weighed=weighed, why=why)


def _unweighed(cart: Cart) -> Weighed:
    return Weighed(cart=cart, fit=Fit.UNKNOWN)


def _unnamed(cart: Cart, answers: Sequence[Answer]) -> str | None:
    codes = [line.code for line, answer in zip(cart.lines, answers, strict=True) if not answer.is_known]
    if not codes:
        return None
    more = f" and {len(codes) - 1} more" if len(codes) > 1 else ""
    return f"{shown(codes[0])}{more} names no variant, or more than one"


def _other_price(cart: Cart, answers: Sequence[Answer]) -> str | None:
    """Return why the prices of an uncertain reading are not those of the catalogue, or None."""
    for line, answer in zip(cart.lines, answers, strict=True):
        if None not in (line.unit_price, answer.price) and line.unit_price != answer.price:
            return f"the catalogue has another price for {shown(line.code)}"
    return None


def _is_sold(judged: Judged) -> bool:
    """Return whether these are Stripe's own line items: what they come to is what Stripe asked for."""
    return judged.possible.cart.source == LINE_ITEMS and judged.weighed.fit is Fit.EXACT


def _distinct(found: Sequence[Judged]) -> list[Judged]:
    """Return the readings without those that take the same as another; one from named fields comes first."""
    kept: dict[object, Judged] = {}
    for each in sorted(found, key=lambda each: not each.possible.certain):
        kept.setdefault(each.takes, each)
    return _sure(list(kept.values()))


def _sure(found: list[Judged]) -> list[Judged]:
    """Leave out what only counts because shipping or tax could explain it, if another reading fits without."""
    exact = [
        each for each in found if each.why is not None or each.possible.certain or each.weighed.fit is not Fit.TOLERATED
    ]
    return exact if any(each.why is None for each in exact) else found


# ---------------------------------------------------------------- verdicts


def _taken(judged: Judged) -> Verdict:
    return Verdict(state=CartState.READ, taken=judged, named=judged.named)


def _none(sources: Sequence[Source], found: Sequence[Judged]) -> Verdict:
    """Return the verdict where no reading counts: a certain one may still be recorded with open lines."""
    certain = [each for each in found if each.possible.certain]
    best = max(certain, key=lambda each: (each.share, not _is_ad_hoc(each)), default=None)
    nearest = max(found, key=lambda each: each.share)
    broken = next((source.unread for source in sources if source.unread), None)
    if best is None or nearest.share > best.share:
        shown_ways = _distinct(found)
        ways = (
            "its only reading does not fit"
            if len(shown_ways) == 1
            else f"none of {len(shown_ways)} ways to read its cart fits"
        )
        why = f"{ways} the catalogue and the amount, so nothing was taken off the shelf"
        return _case(shown_ways, AlertKind.UNREADABLE_CART, why)
    if broken and not best.named:
        return replace(_unread(broken), readings=tuple(_distinct(found)[:MOST_KEPT]))
    if best.weighed.fit is Fit.OUT:
        why = f"{best.weighed.why}, so nothing was taken off the shelf"
        return _case(_distinct([best, *found]), AlertKind.AMOUNT_MISMATCH, why)
    return _taken(best)


def _is_ad_hoc(judged: Judged) -> bool:
    """Return whether a line has no code but the id of its price in Stripe, as prices made for one sale have."""
    return any(line.code.startswith("price_") for line in judged.possible.cart.lines)


def _case(found: Sequence[Judged], kind: AlertKind, why: str) -> Verdict:
    return Verdict(
        state=CartState.UNREADABLE,
        why=why,
        kind=kind,
        named=max(each.named for each in found),
        readings=tuple(found[:MOST_KEPT]),
    )


def _cartless(sources: Sequence[Source]) -> Verdict:
    broken = next((source.unread for source in sources if source.unread), None)
    if broken:
        return _unread(broken)
    lookup = next((source.readings.lookup for source in sources if source.readings.lookup), None)
    if lookup:
        why = f"its cart only names order {lookup.reference}, whose lines were not found in the storefront's tables"
        return Verdict(state=CartState.ELSEWHERE, why=why, raw=lookup.reference, number=lookup.reference)
    return Verdict(
        state=CartState.ABSENT, why="no cart was found with this payment, so nothing was taken off the shelf"
    )


def _unread(broken: UnreadableCart) -> Verdict:
    return Verdict(state=CartState.UNREADABLE, why=f"its cart cannot be read: {broken.why}", raw=broken.raw)
