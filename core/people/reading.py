"""The language and the format in which a person reads pages. A person's own choice comes before the shop's.

The format is a locale, such as `de-CH`: it decides how numbers, money and days are written. The rules are in
core/sql/10_people/6_reading.sql.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from core.database import engine as database
from core.database.engine import call
from core.foundation.errors import invalid
from core.foundation.model import Actor
from core.people.access import Permission
from core.people.guard import ask, require

DEFAULT_LANGUAGE = "en"
DEFAULT_LOCALE = "en-GB"
LANGUAGES = {"en": "English", "de": "Deutsch"}
"""The languages of the pages, each by its own name."""
LOCALES = (
    "en-GB", "en-US", "en-AU", "en-CA", "en-IE", "en-IN", "en-NZ", "en-ZA", "de-DE", "de-AT", "de-CH", "cs-CZ", "da-DK",
    "es-ES", "es-MX", "et-EE", "fi-FI", "fr-FR", "fr-BE", "fr-CA", "fr-CH", "hu-HU", "it-IT", "it-CH", "ja-JP", "ko-KR",
    "lt-LT", "lv-LV", "nb-NO", "nl-NL", "nl-BE", "pl-PL", "pt-BR", "pt-PT", "ro-RO", "sk-SK", "sl-SI", "sv-SE", "tr-TR",
)  # fmt: skip
"""The formats to choose from: language and region."""
USUAL_LOCALES = {"en": "en-GB", "de": "de-DE"}
"""The format of a language while nobody has chosen one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A choice of language and format; None leaves it to the shop, or to the default."""

    language: str | None = None
    format: str | None = None


@database.one_statement
def shop_reading(connection: Connection) -> Reading:
    """Return the shop's choice. Needs no actor: the sign-in pages read it."""
    return Reading(**dict(zip(("language", "format"), call(connection, _SHOP, {})[0], strict=True)))


def shop_reading_of(connection: Connection, actor: Actor) -> Reading:
    """Return the shop's choice, for an admin who may change it. Raises Forbidden, SignInRequired."""
    require(connection, actor, Permission.MANAGE_SHOP)
    return shop_reading(connection)


@database.one_statement
def own_reading(connection: Connection, actor: Actor) -> Reading:
    """Return the actor's own choice. Raises SignInRequired."""
    language, format_ = ask(connection, actor, Permission.VIEW, "own_reading")[0]
    return Reading(language=language, format=format_)


@database.one_statement
def set_own_reading(connection: Connection, actor: Actor, *, language: str | None, format: str | None) -> None:  # noqa: A002
    """Choose the actor's own language and format; None leaves it to the shop. Raises InvalidInput, SignInRequired."""
    ask(connection, actor, Permission.VIEW, "set_own_reading", **_checked(language, format))


@database.one_statement
def set_shop_reading(connection: Connection, actor: Actor, *, language: str | None, format: str | None) -> None:  # noqa: A002
    """Choose what everybody reads who has not chosen. Raises InvalidInput, Forbidden, SignInRequired."""
    ask(connection, actor, Permission.MANAGE_SHOP, "set_shop_reading", **_checked(language, format))


def _checked(language: str | None, locale: str | None) -> dict[str, str | None]:
    if language is not None and language not in LANGUAGES:
        raise invalid("language", f'"{language[:20]}" is not one of the languages of the pages')
    if locale is not None and locale not in LOCALES:
        raise invalid("format", f'"{locale[:20]}" is not one; use a language and a region, such as de-CH')
    return {"language": language, "format": locale}


_SHOP = "select language, format from stockroom_api.shop_reading()"
