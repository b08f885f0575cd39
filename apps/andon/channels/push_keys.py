"""The key pair that names this plant to push services. Browsers bind each subscription to its public half."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from py_vapid import Vapid02

KEY_BYTES = 32

# Asked in turn when the environment has no key: say, for one that is kept in the database. "" means: I have none.
SOURCES: list[Callable[[], str]] = []


def source(function: Callable[[], str]) -> Callable[[], str]:
    """Declares who else keeps the private key."""
    SOURCES.append(function)
    return function


def private_key() -> str:
    """32 bytes in URL-safe base64 without padding; empty when there is none."""
    if settings.PUSH_KEY:
        return str(settings.PUSH_KEY)
    return next(filter(None, (ask() for ask in SOURCES)), "")


def public_key() -> str:
    """What `PushManager.subscribe` takes as applicationServerKey; empty without a private key.  Raises ValueError."""
    private = private_key()
    return public_of(private) if private else ""


def make() -> str:
    """A new private key."""
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return _text(number.to_bytes(KEY_BYTES, "big"))


def public_of(private: str) -> str:
    """Raises ValueError for what is no key."""
    point = signer(private).public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return _text(point)


def signer(private: str) -> Vapid02:
    """Raises ValueError for what is no key."""
    try:
        raw = base64.b64decode(private + "=" * (-len(private) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raw = b""
    if len(raw) != KEY_BYTES:
        raise ValueError("no push key")
    return Vapid02(ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP256R1()))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
