"""A camera over one variant: every state it was ever in, in the order of the commits.

At each commit that touches the variant, while its row is still locked, a trigger records the units on hand and those
that are free: not in an unexpired hold. The numbers of the photographs follow the order of the commits. So a refusal
can be compared with the stock that was there during the request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tests.support.builders import Shop
from tests.support.proof import assert_holds

AT_THE_LATEST = 5.0
"""A photograph is taken before its commit: the world sees its state so many seconds later, or with the next.

On a busy machine a process may stand still between the two; among many buyers the next is there far sooner."""

_CAMERA = """
create table public.photographs (
    n bigint generated always as identity primary key, at timestamptz, on_hand int, free int);
create function public.photograph() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into public.photographs (at, on_hand, free)
    select clock_timestamp(), v.stock_quantity, v.stock_quantity - coalesce((
               select sum(l.quantity) from stockroom.reservation_lines l
                 join stockroom.reservations r on r.id = l.reservation_id
                where l.variant_id = v.id and r.state = 'active' and r.expires_at > clock_timestamp()), 0)
      from public.product_variants v where v.id = new.id;
    return null;
end $$;
create constraint trigger photographed after update on public.product_variants
    deferrable initially deferred for each row when (new.id = '{variant}') execute function public.photograph();
"""
# The expiry of a hold locks the variant too, so that it has a place among the photographs.
AGE = """
with shelf as (update public.product_variants set updated_at = now() where id = {variant} returning id)
update stockroom.reservations r set expires_at = clock_timestamp()
  from shelf where r.id = {reservation} and r.state = 'active'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A refusal: the units wanted, the time of the request, and the units that were said to be available, if any."""

    wanted: int
    asked: float
    answered: float
    told: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The units that were free in a period; the period is as wide as the records allow."""

    free: int
    since: float
    until: float

    def explains(self, refusal: Refusal) -> bool:
        """Whether this was the state when it was asked, and is a reason to refuse."""
        was_then = self.since <= refusal.answered and refusal.asked <= self.until
        return was_then and self.free < refusal.wanted and refusal.told in (None, self.free)


class Shelf:
    """One variant under the camera, from the receipt of its units on."""

    def __init__(self, shop: Shop, opening: int, **columns: Any) -> None:
        self.shop, self.opening = shop, opening
        self.variant: UUID = shop.variant(opening, **columns)
        shop.sql(_CAMERA.format(variant=self.variant))
        shop.sql("update public.product_variants set updated_at = now() where id = :id", id=self.variant)

    @property
    def sold(self) -> int:
        """The units that left for good."""
        return -int(
            self.shop.sql(
                """select coalesce(sum(quantity), 0) from public.stock_movements
                    where variant_id = :id and movement_type = 'sale'""",
                id=self.variant,
            )
        )

    def states(self) -> list[State]:
        """Every state of the shelf, the oldest first."""
        rows = self.shop.rows("select extract(epoch from at)::float8 as at, free from public.photographs order by n")
        moments = [row.at for row in rows] + [float("inf")] * 2
        assert moments == sorted(moments)
        return [
            State(free=row.free, since=row.at, until=min(moments[n + 1] + AT_THE_LATEST, moments[n + 2]))
            for n, row in enumerate(rows)
        ]

    def unexplained(self, refusals: Sequence[Refusal]) -> list[Refusal]:
        """The refusals at whose time there was never too little."""
        states = self.states()
        return [each for each in refusals if not any(state.explains(each) for state in states)]

    def assert_proven(self, refusals: Sequence[Refusal]) -> None:
        """Nothing was sold or promised that was not there, nothing was refused that was, and the books agree."""
        assert_holds(self.shop, self.variant)
        assert self.sold + self.shop.on_hand(self.variant) == self.opening
        assert min(state.free for state in self.states()) >= 0, "sold or held more than there was"
        held = self.shop.sql(
            """select coalesce(sum(l.quantity), 0) from stockroom.reservation_lines l
                 join stockroom.reservations r on r.id = l.reservation_id
                where l.variant_id = :id and r.state = 'active'""",
            id=self.variant,
        )
        assert held == self.shop.sql(
            "select reserved_quantity from public.product_variants where id = :id", id=self.variant
        )
        assert self.unexplained(refusals) == []
