"""Names that the plant types itself, one per language, kept as JSON: {"en": "Tool worn", "de": "Werkzeug stumpf"}."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext as _


def in_language(texts: Mapping[str, str], language: str | None, fallback: str) -> str:
    """The text in `language` (None: the active one), else in the plant's language, else any, else `fallback`."""
    wanted = language or get_language() or settings.LANGUAGE_CODE
    candidates = [
        texts.get(wanted),
        texts.get(wanted.split("-")[0]),
        texts.get(settings.LANGUAGE_CODE),
        *texts.values(),
    ]
    return next((text for text in candidates if text), fallback)


def validate_texts(value: Any) -> None:
    """Raises ValidationError for anything but {language: text}."""
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise ValidationError(_('Write one text per language: {"en": "...", "de": "..."}.'))
    unknown = set(value) - set(dict(settings.LANGUAGES))
    if unknown:
        raise ValidationError(_("Unknown language: %(names)s.") % {"names": ", ".join(sorted(unknown))})
