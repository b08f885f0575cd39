"""What comes from a camera becomes a plain upright JPEG; what is none is refused in a sentence, whatever it is."""

from __future__ import annotations

import resource
import zlib
from contextlib import suppress
from io import BytesIO

import pytest
from PIL import Image

from apps.core.errors import CommandRefused
from apps.workflows.photos.reading import MAX_BYTES, THUMBNAIL_PX, Picture, picture_of
from tests.workflows.photos.pictures import HEIC, SVG, from_a_phone, picture, png_bomb, png_chunk, webp_bomb

RED, BLUE = "red", "blue"


def opened(content: bytes) -> Image.Image:
    image = Image.open(BytesIO(content))
    assert image.format == "JPEG"
    return image


def colour(image: Image.Image, x: float, y: float) -> str:
    red, _green, blue = image.convert("RGB").getpixel((int(image.width * x), int(image.height * y)))
    return RED if red > blue else BLUE


def refused(sent: bytes) -> str:
    with pytest.raises(CommandRefused) as caught:
        picture_of(sent)
    assert caught.value.sentence[-1] == "."
    return caught.value.code


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_picture_of_each_kind_is_kept_as_jpeg(form: str) -> None:
    kept = picture_of(picture(form))
    image = opened(kept.content)
    assert (kept.width, kept.height) == image.size == (640, 480)
    assert (colour(image, 0.2, 0.5), colour(image, 0.8, 0.5)) == (RED, BLUE)
    assert opened(kept.thumbnail).size == (THUMBNAIL_PX, 240)


def test_a_large_picture_is_made_smaller() -> None:
    kept = picture_of(picture(size=(4000, 3000)))
    assert (kept.width, kept.height) == opened(kept.content).size == (2000, 1500)


def test_a_picture_taken_upright_is_kept_upright_and_tells_neither_where_nor_by_what_it_was_taken() -> None:
    sent = from_a_phone()
    assert b"Secret" in sent
    kept = picture_of(sent)
    image = opened(kept.content)
    assert image.size == (480, 640)
    assert (colour(image, 0.5, 0.2), colour(image, 0.5, 0.8)) == (RED, BLUE), "turned as the camera was held"
    for content in (kept.content, kept.thumbnail):
        assert b"Secret" not in content
        assert b"Exif" not in content
        assert not opened(content).getexif()
        assert opened(content).info.keys() <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "1", "I;16"])
def test_every_way_of_writing_colours_is_read(mode: str) -> None:
    if mode == "I;16":
        written = BytesIO()
        Image.new("I;16", (40, 30), 30_000).save(written, "PNG")
        sent = written.getvalue()
    else:
        sent = picture("PNG", (40, 30), mode=mode)
    assert opened(picture_of(sent).content).mode == "RGB"


def test_what_shines_through_lies_on_white() -> None:
    written = BytesIO()
    Image.new("RGBA", (40, 30), (0, 0, 0, 0)).save(written, "PNG")
    assert min(opened(picture_of(written.getvalue()).content).getpixel((20, 15))) > 250


def test_a_line_of_one_pixel_stays_one() -> None:
    kept = picture_of(picture("PNG", (9000, 1)))
    assert (kept.width, kept.height) == (2000, 1)


def test_what_hides_behind_a_picture_is_not_kept() -> None:
    """A page or an archive at the end of a picture is both, to who asks in the wrong way."""
    for hidden in (b"<script>alert(1)</script>", b"PK\x03\x04" + b"evil.exe" * 20):
        kept = picture_of(picture() + hidden)
        assert hidden not in kept.content
        assert opened(kept.content).size == (640, 480)


def test_of_several_pictures_in_one_file_the_first_is_kept() -> None:
    frames = [Image.new("RGB", (60, 40), (200, 30, 30)), Image.new("RGB", (60, 40), (30, 30, 200))]
    for form in ("WEBP", "PNG"):
        written = BytesIO()
        frames[0].save(written, form, save_all=True, append_images=frames[1:])
        assert colour(opened(picture_of(written.getvalue()).content), 0.5, 0.5) == RED


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"", "photo_none"),
        (b"hello", "photo_none"),
        (SVG, "photo_none"),
        (b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", "photo_none"),
        (b"%PDF-1.7\n", "photo_none"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "photo_none"),
        (HEIC, "photo_heic"),
        (bytes(MAX_BYTES + 1), "photo_too_big"),
        (picture("TIFF"), "photo_none"),
        (picture("BMP"), "photo_none"),
    ],
    ids=["empty", "text", "svg", "gif", "pdf", "postscript", "heic", "too many bytes", "tiff", "bmp"],
)
def test_what_is_no_picture_for_us_is_refused(sent: bytes, code: str) -> None:
    assert refused(sent) == code


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.95])
def test_a_picture_that_has_not_come_over_whole_is_refused(form: str, part: float) -> None:
    sent = picture(form, (800, 600))
    assert refused(sent[: int(len(sent) * part)]) in {"photo_damaged", "photo_none"}


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_picture_with_bytes_turned_is_read_or_refused_but_breaks_nothing(form: str) -> None:
    sent = bytearray(picture(form, (60, 40)))
    for at in range(0, len(sent), 3):
        turned = bytes(sent[:at]) + bytes([sent[at] ^ 0xFF]) + bytes(sent[at + 1 :])
        with suppress(CommandRefused):
            assert isinstance(picture_of(turned), Picture)


@pytest.mark.parametrize(
    "sent",
    [
        png_bomb(60_000, 60_000),
        png_bomb(2_000_000_000, 2_000_000_000),
        png_bomb(10_000, 6_000),
        webp_bomb(16_000, 16_000),
        webp_bomb(65_000, 65_000),
    ],
    ids=["3,600 megapixels", "as large as can be said", "a little too large", "webp", "webp, as large as can be said"],
)
def test_a_bomb_is_refused_before_it_takes_memory(sent: bytes) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert refused(sent) in {"photo_too_many_pixels", "photo_damaged", "photo_none"}
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown_mb < 50


def test_a_bomb_in_what_is_written_beside_a_picture_is_refused() -> None:
    packed = png_chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(90_000_000), 9))
    plain = picture("PNG", (60, 40))
    assert refused(plain[:33] + packed + plain[33:]) == "photo_damaged"
