"""From what a browser has sent to a picture that can be kept; what is none is refused in a sentence.

What is kept was drawn anew here: nothing of the file that came (its other frames, places, comments, whatever hides in
it) is in it.
"""

from __future__ import annotations

import hashlib
import struct
import threading
import zlib
from dataclasses import dataclass
from io import BytesIO
from math import ceil

from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

from apps.core.errors import CommandRefused
from apps.workflows.models.photos import LONGEST_SIDE_PX

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_BYTES = 20 * 1024 * 1024
# Of the largest pictures that a phone takes.
MAX_PIXELS = 52_000_000
THUMBNAIL_PX = 320
_QUALITY, _THUMBNAIL_QUALITY = 85, 75
_MEGA = 1_000_000

_HEIC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
# One after the other: a large picture takes some 200 MB while it is read.
_reading = threading.Lock()
_DAMAGED = (
    *(OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, EOFError),
    *(
        MemoryError,
        RuntimeError,
        struct.error,
        zlib.error,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ),
)


@dataclass(frozen=True)
class Picture:
    """As apps.workflows.models.Photo keeps it; sizes in pixels."""

    content: bytes
    thumbnail: bytes
    sha256: str
    width: int
    height: int


def picture_of(sent: bytes) -> Picture:
    """Raises CommandRefused: photo_too_big, photo_heic, photo_none, photo_too_many_pixels, photo_damaged."""
    if len(sent) > MAX_BYTES:
        raise too_big()
    if sent[4:8] == b"ftyp" and sent[8:12] in _HEIC:
        sentence = _(
            "Pictures in the format HEIC can't be kept. Set the camera to JPEG (“most compatible”), or take it here."
        )
        raise CommandRefused("photo_heic", sentence)
    with _reading:
        upright = _read(sent)
        content, thumbnail = _as_jpeg(upright, _QUALITY), _as_jpeg(_small(upright), _THUMBNAIL_QUALITY)
    return Picture(content, thumbnail, hashlib.sha256(content).hexdigest(), *upright.size)


def too_big() -> CommandRefused:
    sentence = _("This picture is too large: at most %(most)s MB can be kept. Set the camera to a lower resolution.")
    return CommandRefused("photo_too_big", sentence % {"most": MAX_BYTES // 1024 // 1024})


def _read(sent: bytes) -> Image.Image:
    """Upright, plain RGB, not larger than what is kept."""
    opened = _opened(sent)
    width, height = opened.size
    if width * height > MAX_PIXELS:
        sentence = _("This picture has %(pixels)s megapixels; at most %(most)s can be kept. Set the camera to fewer.")
        words = {"pixels": -(-width * height // _MEGA), "most": MAX_PIXELS // _MEGA}
        raise CommandRefused("photo_too_many_pixels", sentence % words)
    try:
        return _drawn(opened)
    except _DAMAGED as error:
        raise _damaged() from error


def _opened(sent: bytes) -> Image.Image:
    """Its head only."""
    try:
        return Image.open(BytesIO(sent), formats=FORMATS)
    except UnidentifiedImageError as error:
        sentence = _("This is no picture that can be kept. Take one, or choose a file in the format JPEG, PNG or WebP.")
        raise CommandRefused("photo_none", sentence) from error
    except _DAMAGED as error:
        raise _damaged() from error


def _damaged() -> CommandRefused:
    return CommandRefused("photo_damaged", _("This picture is damaged, or has not come over whole. Take it again."))


def _drawn(opened: Image.Image) -> Image.Image:
    """A JPEG is read at about the size that is kept, so that the large one is never in memory."""
    if opened.mode == "P":
        opened = opened.convert("RGBA")
    scale = min(LONGEST_SIDE_PX / max(opened.size), 1)
    opened.draft(None, (ceil(opened.width * scale), ceil(opened.height * scale)))
    opened.thumbnail((LONGEST_SIDE_PX, LONGEST_SIDE_PX), Image.Resampling.LANCZOS)
    upright = ImageOps.exif_transpose(opened)
    plain = Image.new("RGB", upright.size, "white")
    if upright.has_transparency_data:
        coloured = upright.convert("RGBA")
        plain.paste(coloured, mask=coloured)
    else:
        plain.paste(upright.convert("RGB"))
    return plain


def _small(picture: Image.Image) -> Image.Image:
    small = picture.copy()
    small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.LANCZOS)
    return small


def _as_jpeg(picture: Image.Image, quality: int) -> bytes:
    written = BytesIO()
    picture.save(written, "JPEG", quality=quality, optimize=True)
    return written.getvalue()
