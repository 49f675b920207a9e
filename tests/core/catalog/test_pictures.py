"""Pictures of variants: what is uploaded is never kept as it came."""

from __future__ import annotations

import io
import struct
import zlib
from uuid import uuid4

import pytest
from PIL import Image

from core.catalog import editing, pictures
from core.catalog.editing import Field
from core.foundation.errors import Forbidden, InvalidInput
from core.ledger import reports
from tests.support.builders import Shop, key


def drawn(kind: str, size: tuple[int, int] = (30, 20), mode: str = "RGB", **extra: object) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, "red" if mode != "RGBA" else (255, 0, 0, 0)).save(out, kind, **extra)
    return out.getvalue()


def noise(side: int) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((side, side), 90).convert("RGB").save(out, "PNG", compress_level=1)
    return out.getvalue()


def test_an_upload_becomes_a_small_upright_jpeg_without_what_the_camera_wrote_into_it() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Secret camera"  # turned by 90 degrees
    found = pictures.written_anew(drawn("JPEG", (300, 200), exif=exif.tobytes(), comment=b"home address"))
    kept = Image.open(io.BytesIO(found))
    assert (kept.format, kept.size, dict(kept.getexif())) == ("JPEG", (200, 300), {})
    assert b"Secret" not in found
    assert b"home" not in found
    for kind, mode in (("PNG", "RGBA"), ("WEBP", "RGBA"), ("GIF", "P"), ("PNG", "I;16"), ("JPEG", "CMYK")):
        image = Image.open(io.BytesIO(pictures.written_anew(drawn(kind, mode=mode))))
        assert (image.format, image.mode) == ("JPEG", "RGB")
    large = pictures.written_anew(noise(1_100))
    assert len(large) <= pictures.MAX_BYTES
    assert max(Image.open(io.BytesIO(large)).size) <= pictures.LONGEST_SIDE
    clear = Image.open(io.BytesIO(pictures.written_anew(drawn("PNG", mode="RGBA"))))
    assert clear.getpixel((3, 3)) == (255, 255, 255)  # transparent on white


def _png_of(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def test_what_is_no_picture_or_a_bomb_is_refused_with_a_sentence() -> None:
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    for content in (
        b"",
        b"MZ\x90\x00",
        svg,
        drawn("PNG")[:60],
        drawn("TIFF"),
        _png_of(60_000, 60_000),
        _png_of(9_000, 9_000),
    ):
        with pytest.raises(InvalidInput, match="Picture"):
            pictures.written_anew(content)


def test_an_uploaded_picture_is_on_its_variants_until_another_takes_its_place(shop: Shop) -> None:
    shoes = [shop.variant(sku=f"P-{uuid4().hex[:8]}") for _ in range(2)]
    put = {"content": noise(40), "before": dict.fromkeys(shoes)}
    with pytest.raises(Forbidden):
        shop.run(pictures.put_picture, "Wanda", **put, key=key())
    done = shop.run(pictures.put_picture, "Mia", **put, key=key())
    address = done[0].after
    assert [shop.run(reports.level, "Sam", variant_id=shoe).picture for shoe in shoes] == [address, address]
    kept = shop.run(pictures.picture, "Sam", digest=address.removeprefix(pictures.PREFIX))
    assert (kept.media_type, kept.content[:3]) == ("image/jpeg", b"\xff\xd8\xff")
    for shoe, still in zip(shoes, (1, 0), strict=True):
        edits = [
            editing.Edit(variant_id=shoe, field=Field.PICTURE, before=address, after="https://cdn.x.example/1.jpg")
        ]
        shop.run(editing.edit, "Mia", edits=edits, key=key())
        count = shop.sql("select count(*) from stockroom.pictures where '/picture/' || digest = :a", a=address)
        assert count == still  # the last variant takes it along
    assert shop.run(pictures.picture, "Sam", digest=address.removeprefix(pictures.PREFIX)) is None
    assert "cdn.x.example" in shop.run(pictures.hosts)


def test_a_variant_shows_the_picture_of_its_product_unless_it_has_its_own(shop: Shop) -> None:
    shoe = shop.variant(sku=f"P-{uuid4().hex[:8]}")
    for address, shown in (("https://a.example/1.jpg", "https://a.example/1.jpg"), ("http://a.example/1.jpg", None),
                           ("javascript:alert(1)", None), ("https://a.example/a b", None)):  # fmt: skip
        shop.sql(
            "update public.products p set image_url = :a from public.product_variants v "
            "where v.product_id = p.id and v.id = :id",
            a=address, id=shoe,
        )  # fmt: skip
        assert shop.run(reports.level, "Sam", variant_id=shoe).picture == shown
