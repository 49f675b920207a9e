"""Pictures of variants: an upload is decoded and written again, so that nothing of the uploaded file is kept.

The new picture is a JPEG of bounded size without metadata. It is kept in the database under the digest of its content,
which makes its address unchangeable.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from PIL import Image, ImageOps
from sqlalchemy import Connection

from core.catalog.editing import Edit, EditedValue, Field, edit
from core.database.engine import call
from core.foundation.errors import InvalidInput, invalid
from core.foundation.model import Actor
from core.people.access import Permission
from core.people.guard import ask

MAX_UPLOAD = 20_000_000
MAX_PIXELS = 50_000_000
MAX_BYTES = 500_000
LONGEST_SIDE = 1_000
MEDIA_TYPE = "image/jpeg"
PREFIX = "/picture/"
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MOST_HOSTS = 20
_TRIES = ((85, 1.0), (70, 1.0), (70, 0.7), (60, 0.5), (50, 0.3))
"""Quality and share of the size, until the picture is small enough."""
_BROKEN = (OSError, ValueError, TypeError, SyntaxError, IndexError, EOFError, struct.error, MemoryError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture as it is kept."""

    content: bytes
    media_type: str


def put_picture(
    connection: Connection,
    actor: Actor,
    *,
    content: bytes,
    before: Mapping[UUID, str | None],
    key: str,
    edits: Sequence[Edit] = (),
    mark: str = "",
) -> tuple[EditedValue, ...]:
    """Give an uploaded picture to variants, whose pictures are `before` now, and make other `edits` with it.

    Raises InvalidInput for what is no picture, and everything that `edit` raises.
    """
    data = written_anew(content)
    digest = ask(connection, actor, Permission.EDIT_VARIANT, "keep_picture", content=data, media_type=MEDIA_TYPE)[0][0]
    pictured = [
        Edit(variant_id=variant_id, field=Field.PICTURE, before=seen, after=PREFIX + digest)
        for variant_id, seen in before.items()
    ]
    return edit(connection, actor, edits=[*edits, *pictured], key=key, mark=mark)


def picture(connection: Connection, actor: Actor, *, digest: str) -> Picture | None:
    """Return a kept picture, or None."""
    rows = ask(connection, actor, Permission.VIEW, "picture", digest=digest)
    return Picture(content=bytes(rows[0][0]), media_type=rows[0][1]) if rows else None


def hosts(connection: Connection, actor: Actor) -> Sequence[str]:
    """Return the hosts of the shop's pictures that are addresses, for the server's own headers."""
    return [host for (host,) in call(connection, "select * from stockroom_api.picture_hosts(%(n)s)", {"n": MOST_HOSTS})]


def written_anew(content: bytes) -> bytes:
    """Return an uploaded picture as a JPEG of at most `MAX_BYTES`, upright, on white, without metadata.

    Raises InvalidInput if it is no picture, or too large.
    """
    if len(content) > MAX_UPLOAD:
        raise invalid("picture", f"is larger than {MAX_UPLOAD // 1_000_000} MB")
    try:
        return _small(_decoded(content))
    except InvalidInput:
        raise
    except (*_BROKEN, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise invalid("picture", f"cannot be read. It must be one of {', '.join(FORMATS)}") from error


def _decoded(content: bytes) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        found: Image.Image = Image.open(io.BytesIO(content), formats=FORMATS)
    if found.width * found.height > MAX_PIXELS:
        raise invalid("picture", f"has more than {MAX_PIXELS // 1_000_000} million pixels")
    found.draft("RGB", (LONGEST_SIDE * 2, LONGEST_SIDE * 2))  # a JPEG is decoded no larger than needed
    found = ImageOps.exif_transpose(found)
    found.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    solid = found.convert("RGBA")
    ground = Image.new("RGB", solid.size, "white")
    ground.paste(solid, mask=solid.getchannel("A"))
    return ground


def _small(found: Image.Image) -> bytes:
    for quality, share in _TRIES:
        size = (max(round(found.width * share), 1), max(round(found.height * share), 1))
        out = io.BytesIO()
        (found if share == 1 else found.resize(size)).save(out, "JPEG", quality=quality, optimize=True)
        if out.tell() <= MAX_BYTES:
            return out.getvalue()
    raise invalid("picture", "cannot be made small enough")
