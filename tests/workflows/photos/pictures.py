"""Files as cameras write them, and as nobody should: made by hand, byte by byte where no library would."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

from PIL import Image

ORIENTATION, MAKER, GPS = 0x0112, 0x010F, 0x8825


def picture(form: str = "JPEG", size: tuple[int, int] = (640, 480), *, mode: str = "RGB", **more: Any) -> bytes:
    """Its left half is red, its right half blue."""
    drawn = Image.new("RGB", size, (200, 30, 30))
    drawn.paste((30, 30, 200), (size[0] // 2, 0, size[0], size[1]))
    written = BytesIO()
    drawn.convert(mode).save(written, form, **more)
    return written.getvalue()


def from_a_phone(size: tuple[int, int] = (640, 480), turned: int = 6) -> bytes:
    """Held upright: the sensor's rows are the columns of the picture. Says where it was taken, and by what."""
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKER] = turned, "Secret Camera"
    exif.get_ifd(GPS)[2] = (48.0, 8.0, 15.0)
    return picture(size=size, exif=exif, comment=b"taken by Secret")


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_bomb(width: int, height: int, *, data: bytes | None = None) -> bytes:
    """Some bytes that say they are so large: all of it one colour, packed a thousandfold."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packed = zlib.compress(bytes(1_000_000), 9) if data is None else data
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", packed) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def webp_bomb(width: int, height: int) -> bytes:
    """A canvas of that size around a picture of two pixels."""
    small = picture("WEBP", (2, 2), lossless=True)[12:]
    canvas = b"VP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + (width - 1).to_bytes(3, "little")
    body = b"WEBP" + canvas + (height - 1).to_bytes(3, "little") + small
    return b"RIFF" + struct.pack("<I", len(body)) + body


HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(64)
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
