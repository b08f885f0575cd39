"""The page of an item in the admin: where it stands, what may be done with it now, and what has been done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from apps.core.errors import CommandRefused
from apps.core.models import LedgerEvent
from apps.plant.administration import CommandAdmin, actor_of
from apps.plant.proving import prove_by_password
from apps.workflows import people
from apps.workflows.events import EdgeSigned, StateChanged
from apps.workflows.exits import Exit, exits
from apps.workflows.kinds import kind_of
from apps.workflows.models import WorkflowItem
from apps.workflows.photos.commands import take_photo
from apps.workflows.photos.using import id_of
from apps.workflows.sent import PHOTO, inputs
from apps.workflows.signatures import override_edge, sign_edge

_LONGEST_STORY = 200
# What the two buttons of a way are called; their value is the edge.
STEP, OVERRIDE = "_step", "_override"


@dataclass(frozen=True)
class Done:
    """One step of the story; `photos` are ids."""

    at: datetime
    who: str
    what: str
    state: str
    photos: tuple[int, ...]


def story_of(item: WorkflowItem) -> list[Done]:
    """Steps and signatures, the last first; two queries. Free texts are not in the ledger, and so not here."""
    events = LedgerEvent.objects.filter(
        subject_kind=kind_of(type(item)).code, subject_id=str(item.pk), kind__in=[StateChanged.kind, EdgeSigned.kind]
    )
    found = list(events.order_by("-id")[:_LONGEST_STORY])
    names = people.person_names({event.actor_id for event in found if event.actor_id})
    return [
        Done(
            at=event.occurred_at,
            who=names.get(event.actor_id or 0, ""),
            what=_said(item, event),
            state=item.graph.state_label(event.data["to_state"]) if event.kind == StateChanged.kind else "",
            photos=tuple(_photos(event)),
        )
        for event in found
    ]


def _said(item: WorkflowItem, event: LedgerEvent) -> str:
    label = item.graph.edge_label(event.data["edge"])
    return label if event.kind == StateChanged.kind else _("%(step)s: signed") % {"step": label}


def _photos(event: LedgerEvent) -> Iterator[int]:
    for value in event.data.get("inputs", {}).values():
        for reference in value if isinstance(value, list) else ():
            if pk := id_of(str(reference)):
                yield pk


class ItemAdmin(CommandAdmin):
    """`take_step` is the command of the kind that moves an item: (actor, id, <item_name>=, edge=, inputs=)."""

    take_step: ClassVar[Any]
    item_name: ClassVar[str]
    change_form_outer_after_template = "workflows/_item.html"

    class Media:
        css = {"all": ["workflows/pages.css"]}

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        context = dict(extra_context or {})
        item = self.get_object(request, object_id) if object_id else None
        if item is not None:
            for button, act in ((STEP, self._take), (OVERRIDE, _override)):
                if request.method == "POST" and button in request.POST:
                    return _done(request, item, button, act)
            ways = [(way, uuid4(), uuid4()) for way in exits(item, actor_of(request))]
            context |= {"item": item, "ways": ways, "story": story_of(item)}
        return super().changeform_view(request, object_id, form_url, context)

    def _take(self, request: HttpRequest, item: WorkflowItem, way: Exit) -> None:
        actor, command_id, kind = actor_of(request), UUID(request.POST.get("command_id", "")), kind_of(type(item))
        given = inputs(request.POST) | _taken_pictures(request, kind.code, item.pk)
        if way.signature is None:
            type(self).take_step(actor, command_id, **{self.item_name: item.pk}, edge=way.code, inputs=given)
            return
        proof = prove_by_password(actor, request.POST.get("password", "")) if way.signature.credentials else None
        sign_edge(actor, command_id, item_kind=kind.code, item_id=item.pk, edge=way.code, inputs=given, proof=proof)


def _done(
    request: HttpRequest, item: WorkflowItem, button: str, act: Callable[[HttpRequest, WorkflowItem, Exit], None]
) -> HttpResponse:
    try:
        way = _pressed(request, item, button)
        act(request, item, way)
    except CommandRefused as refusal:
        messages.error(request, str(refusal))
    except ValueError:
        messages.error(request, _("Reload the page and try again."))
    else:
        messages.success(request, _("Done: %(what)s.") % {"what": way.label})
    return HttpResponseRedirect(request.get_full_path())


def _override(request: HttpRequest, item: WorkflowItem, way: Exit) -> None:
    actor, kind = actor_of(request), kind_of(type(item)).code
    override_edge(
        actor,
        UUID(request.POST.get("command_id", "")),
        item_kind=kind,
        item_id=item.pk,
        edge=way.code,
        inputs=inputs(request.POST) | _taken_pictures(request, kind, item.pk),
        reason=request.POST.get("why", ""),
        proof=prove_by_password(actor, request.POST.get("password", "")),
    )


def _pressed(request: HttpRequest, item: WorkflowItem, button: str) -> Exit:
    way = next((way for way in exits(item, actor_of(request)) if way.code == request.POST[button]), None)
    if way is None:
        raise CommandRefused("reload", _("The screen is out of date. Reload it and try again."))
    return way


def _taken_pictures(request: HttpRequest, item_kind: str, item_id: int) -> dict[str, list[str]]:
    """Taken before the step, as at a station: what no step uses goes again."""
    given: dict[str, list[str]] = {}
    for field in request.FILES:
        prefix, _dot, name = field.partition(".")
        if prefix == PHOTO:
            given[name] = [
                take_photo(
                    actor_of(request), uuid4(), item_kind=item_kind, item_id=item_id, picture=sent.read()
                ).reference
                for sent in request.FILES.getlist(field)
            ]
    return given
