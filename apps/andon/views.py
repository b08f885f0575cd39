"""What machines ask: is somebody watching over the exceptions, and is all well with them?"""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.andon.watchdog import health


@require_safe
@never_cache
def andon_health(request: HttpRequest) -> JsonResponse:  # noqa: ARG001
    """200 when the last round found nothing and is recent; 503 with what is wrong, as rules and numbers only."""
    found = health()
    status = "silent" if found.is_silent else "ok" if found.is_well else "red"
    return JsonResponse(
        {
            "status": status,
            "at": found.at,
            "findings": {finding["rule"]: finding["count"] for finding in found.findings},
        },
        status=200 if found.is_well else 503,
    )
