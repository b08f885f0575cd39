"""Secrets that have to be kept in the database: unreadable for whoever has a copy of it without SECRET_KEY."""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class UnsealableError(Exception):
    """Sealed with a key that is neither SECRET_KEY nor one of SECRET_KEY_FALLBACKS."""


def seal(secret: str) -> str:
    return _keys().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """Raises UnsealableError."""
    try:
        return _keys().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise UnsealableError("sealed with another SECRET_KEY") from None


def _keys() -> MultiFernet:
    return MultiFernet([Fernet(_key(key)) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _key(secret: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(b"apps.core.sealing:" + secret.encode()).digest())
