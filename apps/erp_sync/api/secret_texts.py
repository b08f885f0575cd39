"""How a token looks: mfg_, 32 random letters and digits, 6 of a checksum, so that a scanner finds one that leaked."""

from __future__ import annotations

import hashlib
import secrets
import string
import zlib

MARK = "mfg_"
ALPHABET = string.digits + string.ascii_letters
RANDOM, CHECK = 32, 6
SHOWN = 12


def new_secret() -> str:
    """190 random bits."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM))
    return f"{MARK}{body}{_checksum(body)}"


def looks_right(secret: str) -> bool:
    """Whether it can be one of ours at all; asks no database."""
    body, check = secret[len(MARK) : -CHECK], secret[-CHECK:]
    return secret.startswith(MARK) and len(body) == RANDOM and secret.isascii() and check == _checksum(body)


def hash_of(secret: str) -> str:
    """A plain hash is enough: there is nothing to guess."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _checksum(body: str) -> str:
    number, text = zlib.crc32(body.encode()), ""
    for _ in range(CHECK):
        number, digit = divmod(number, len(ALPHABET))
        text = ALPHABET[digit] + text
    return text
