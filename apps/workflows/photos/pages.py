"""Pictures come in and go out here; who may not see one is told that there is none."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET, require_POST

from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.plant import sessions
from apps.workflows.models import Photo
from apps.workflows.photos.commands import take_photo
from apps.workflows.photos.reading import MAX_BYTES, too_big
from apps.workflows.sent import act_id

_REFUSED = 409
# A picture never changes; whoever shares the tablet is asked for the right again after this.
_SECONDS_KEPT = 600


@require_POST
def take_view(request: HttpRequest, item_kind: str, item_id: int) -> HttpResponse:
    """The body is the file itself, the header X-Command-Id the browser's id of the act.

    Answers {"reference": ..., "small": address}, or why not as plain text.
    """
    actor: Actor | None = getattr(request, "actor", None)
    if actor is None:
        return HttpResponse(status=401)
    try:
        # Of what is too large nothing is read.
        if int(request.headers.get("Content-Length") or 0) > MAX_BYTES:
            raise too_big()
        picture = request.read(MAX_BYTES + 1)
        command_id = act_id(request.headers.get("X-Command-Id", ""))
        taken = take_photo(actor, command_id, item_kind=item_kind, item_id=item_id, picture=picture)
    except CommandRefused as refusal:
        return HttpResponse(str(refusal), status=_REFUSED, content_type="text/plain; charset=utf-8")
    sessions.note_act(request.session)
    return JsonResponse(
        {"reference": taken.reference, "small": reverse("workflows:photo_small", args=[taken.photo_id])}
    )


@require_GET
def photo_view(request: HttpRequest, pk: int) -> HttpResponse:
    return _shown(request, pk, "content")


@require_GET
def thumbnail_view(request: HttpRequest, pk: int) -> HttpResponse:
    return _shown(request, pk, "thumbnail")


@cache_control(private=True, max_age=_SECONDS_KEPT)
def _shown(request: HttpRequest, pk: int, which: str) -> HttpResponse:
    actor: Actor | None = getattr(request, "actor", None)
    found = Photo.objects.visible_to(actor).filter(pk=pk).values_list(which, flat=True).first() if actor else None
    if found is None:
        raise Http404
    return HttpResponse(
        bytes(found),
        content_type="image/jpeg",
        headers={
            "Content-Disposition": f'inline; filename="picture-{pk}.jpg"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )
