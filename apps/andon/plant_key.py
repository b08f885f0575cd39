"""The push key that the plant made for itself; one in the environment comes before it."""

from __future__ import annotations

import logging

from apps.andon.channels import push_keys
from apps.andon.models import PushKey
from apps.core import sealing

log = logging.getLogger(__name__)


def new_sealed() -> str:
    return sealing.seal(push_keys.make())


@push_keys.source
def kept() -> str:
    """Empty where none was made, or SECRET_KEY was changed without keeping the former one."""
    sealed = PushKey.objects.values_list("sealed", flat=True).first()
    if sealed is None:
        return ""
    try:
        return sealing.unseal(sealed)
    except sealing.UnsealableError:
        log.error("the push key was sealed with another SECRET_KEY; name that one in SECRET_KEY_FALLBACKS")  # noqa: TRY400
        return ""
