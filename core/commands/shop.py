"""`python -m core sample` and `shop`: the sample data, and the shop's name, time zone and currency."""

from __future__ import annotations

import argparse
import signal
import sys
from typing import Any

from sqlalchemy import Connection, Engine

from core.commands import command
from core.commands.progress import Bar
from core.database.engine import create_engine, run
from core.database.startup import Database
from core.foundation.errors import SetupError
from core.foundation.model import COMMAND_LINE, Actor, Shop
from core.foundation.settings import load_settings
from core.sample.large import DAYS, ORDERS, interrupted, large_sample, load_large
from core.sample.load import SHOP_NAME, load_sample
from core.sample.removal import back_up, obstacle, remove_sample, sample_name
from core.shop import prices, profile
from core.shop.prices import Pricing, TaxBy


def add_parsers(subparsers: Any) -> None:
    """Add the commands."""
    sample = command(subparsers, "sample", "fill an empty database with the sample shop", manage=sample_shop)
    sample.add_argument("--remove", action="store_true", help="replace the sample shop with an empty one instead")
    large = "load a large one instead: so many days, by default 365; run it again to continue"
    sample.add_argument("--days", type=int, metavar="DAYS", help=large)
    sample.add_argument("--orders", type=int, metavar="ORDERS", help="so many orders, by default 100,000")
    what = "show the shop's name, time zone, currency, prices and tax, or change them"
    shop = command(subparsers, "shop", what, operate=show_or_change)
    shop.add_argument("--name", help="the name of the shop")
    shop.add_argument("--zone", help="the time zone in which its days begin and end, such as Europe/Berlin")
    shop.add_argument("--currency", help="the currency of its prices, such as EUR")
    price = "what a variant costs in a payment: 'price + price_adjustment', or price for the plain price"
    shop.add_argument("--price", metavar="EXPRESSION", help=price)
    shop.add_argument(
        "--tax", help="the tax on the goods of a payment: none, stripe, or a rate in percent such as 8.25"
    )


# ---------------------------------------------------------------- the sample shop


def sample_shop(database: Database, arguments: argparse.Namespace) -> None:
    """Load the sample shop, or replace it with an empty one."""
    if arguments.remove:
        replace_sample(database)
        print("The shop is empty. Begin with `.venv/bin/python -m core import-catalog FILE`, or on the page.")
        return
    engine = create_engine(database.app_url, pool_size=1)
    try:
        if arguments.days is not None or arguments.orders is not None:
            fill_large(engine, arguments)
            return
        if (found := run(engine, large_sample, COMMAND_LINE)) and not found.is_whole:
            raise SetupError(f"A large sample was interrupted: {interrupted(found)}")
        load_sample(engine)
    finally:
        engine.dispose()
    print(f"The sample shop {SHOP_NAME} is loaded.")


def fill_large(engine: Engine, arguments: argparse.Namespace) -> None:
    """Load the large sample with a progress bar, or say how far it is if it is interrupted."""
    days = DAYS if arguments.days is None else arguments.days
    orders = ORDERS if arguments.orders is None else arguments.orders
    bar = Bar(orders, "orders")
    as_before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        load_large(engine, days=days, orders=orders, tell=lambda state: bar.show(state.made))
    except KeyboardInterrupt:
        found = run(engine, large_sample, COMMAND_LINE)
        print(f"\n{interrupted(found)}" if found else "\nNothing was loaded.", file=sys.stderr)
        raise
    finally:
        signal.signal(signal.SIGTERM, as_before)
    print(f"The sample shop {SHOP_NAME} is loaded: {orders:,} orders of {days:,} days.")


def replace_sample(database: Database) -> None:
    """Replace the sample shop with an empty one, once the person at the terminal has typed its name."""
    name = sample_name(database.owner_url)
    if name is None:
        raise SetupError("This shop does not hold the sample data, so nothing was removed.")
    if why := obstacle(database.owner_url):
        raise SetupError(why)
    print("This shop holds the sample data. All of it will be removed for good, with your changes.")
    print("Accounts, sessions and reasons stay. A backup is made first.")
    try:
        typed = input(f"Type the shop's name, {name}, to remove it: ")
    except EOFError:
        typed = ""
    if typed.strip() != name:
        raise SetupError("That is not the name of the shop; nothing was changed.")
    settings = load_settings()
    path = back_up(database.owner_url, settings.backup_dir, keep=settings.backups_kept)
    print(f"The backup is {path}")
    remove_sample(database.owner_url, name=typed)


# ---------------------------------------------------------------- name, time zone and currency


def show_or_change(engine: Engine, arguments: argparse.Namespace) -> None:
    """Change what was given, then print the shop."""
    given = {name: getattr(arguments, name) for name in ("name", "zone", "currency", "price", "tax")}
    wanted = {name: value for name, value in given.items() if value is not None}
    moved, found, pricing = run(engine, _change, COMMAND_LINE, wanted=wanted)
    if moved:
        print(f"Every day was summed again: days now begin at midnight in {found.zone}.")
    print(f"{found.name}: time zone {found.zone}, currency {found.currency}")
    if pricing != Pricing(price_words=None, price_doubt=None, tax=TaxBy.NONE, tax_rate=None):
        print(f"In payments: {price_sentence(pricing)}; tax: {tax_sentence(pricing)}")


def price_sentence(pricing: Pricing) -> str:
    """Return what a variant costs, in words."""
    if pricing.price_doubt:
        return f"none is begun until you confirm with --price what {pricing.price_doubt} does to a price"
    return f"a variant costs {pricing.price_words or 'price'}"


def tax_sentence(pricing: Pricing) -> str:
    """Return which tax is added, in words."""
    rate = f"{pricing.tax_rate.normalize():f} % on the goods" if pricing.tax_rate else "none"
    return "computed by Stripe" if pricing.tax == TaxBy.STRIPE else rate


def _change(connection: Connection, actor: Actor, *, wanted: dict[str, str]) -> tuple[bool, Shop, Pricing]:
    rest = dict(wanted)
    price, tax = rest.pop("price", None), rest.pop("tax", None)
    moved = bool(rest) and profile.change_shop(connection, actor, **rest)
    if price is not None:
        prices.set_price(connection, actor, words=price)
    if tax is not None:
        prices.set_tax(connection, actor, tax=tax)
    return moved, profile.settings(connection, actor), prices.pricing(connection, actor)
