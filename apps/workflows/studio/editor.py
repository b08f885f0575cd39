"""The page on which a draft is changed: states with their exits on the left, the form of the chosen one on the right.

What is posted says in `do` what it is: "save", "remove", "row conditions add", "move state held up", "undo". Only
saving judges what is typed, and only commands write.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from apps.core import rights
from apps.core.errors import CommandRefused
from apps.core.rights import EVERYWHERE
from apps.plant.administration import actor_of
from apps.workflows import commands
from apps.workflows.actions import EDIT
from apps.workflows.check import Part, Problem, check
from apps.workflows.definition import EdgeSpec, StateSpec, word
from apps.workflows.models import Phases, Version
from apps.workflows.rows import to_definition
from apps.workflows.studio.editing import EdgeKey, Loss, exits_of
from apps.workflows.studio.forms.findings import lay_at_fields
from apps.workflows.studio.pages import shown
from apps.workflows.studio.panels import Panel, moved, panel_for, query_of
from apps.workflows.studio.room import Room
from apps.workflows.studio.steps import labels_since, steps_of

TEMPLATE = "workflows/studio/edit.html"
PART = "workflows/studio/_desk.html"
WAYS = {"up": -1, "down": 1}
MEANWHILE = "changed_meanwhile"
# Comes with the form on the right; the rest is pressed beside it.
OF_THE_FORM = frozenset({"save", "refresh", "row", "remove"})


def edit(request: HttpRequest, version: Version) -> HttpResponse:
    desk = _Desk(request, version)
    return desk.act() if request.method == "POST" else desk.page()


@dataclass
class _Desk:
    """One request. `notice`: what is said above the form. `loss`: the page asks before it removes."""

    request: HttpRequest
    version: Version
    notice: str = ""
    loss: Loss | None = None
    is_typed: bool = False

    @cached_property
    def room(self) -> Room:
        return Room(to_definition(self.version))

    @cached_property
    def panel(self) -> Panel:
        has_form = self.request.method == "POST" and self.verb in OF_THE_FORM
        return panel_for(self.room, self.request.GET, self.request.POST if has_form else None)

    @property
    def verb(self) -> str:
        return self._words[0]

    @cached_property
    def _words(self) -> list[str]:
        return self.request.POST.get("do", "").split() or ["save"]

    @cached_property
    def may_edit(self) -> bool:
        return self.version.is_draft and rights.may(actor_of(self.request), EDIT, EVERYWHERE)

    # -- what is posted

    def act(self) -> HttpResponse:
        try:
            return self._done() or self._refused(_reload())
        except CommandRefused as refusal:
            return self._refused(refusal)

    def _done(self) -> HttpResponse | None:
        """None for what nobody can press."""
        answer: HttpResponse | None = None
        match self._words:
            case ["save"]:
                answer = self._save()
            case ["refresh"]:
                answer = self._typed_on()
            case ["row", rows, act, *at] if all(one.isdecimal() for one in at):
                answer = self._typed_on(rows, act, int(at[0]) if at else 0)
            case ["remove", *sure]:
                answer = self._remove(is_sure=bool(sure))
            case ["move", what, which, way] if way in WAYS:
                definition, label = moved(self.room.definition, what, which, WAYS[way])
                answer = self._saved(definition, label, self.request.GET.dict())
            case ["undo" | "redo"]:
                answer = self._step()
            case ["copy"]:
                answer = self._copy()
        return answer

    def _typed_on(self, rows: str = "", act: str = "", at: int = 0) -> HttpResponse:
        """Nothing is judged and nothing saved: the form comes again with other fields or rows."""
        self.panel.forms = self.panel.forms.typed(rows, act, at)
        self.is_typed = True
        return self.page()

    def _save(self) -> HttpResponse:
        self.is_typed = True
        if not self.panel.forms.is_valid():
            self.notice = _("Not saved yet: see what is said at the fields.")
            return self.page()
        try:
            saved = self.panel.saved()
        except CommandRefused as refusal:
            self.panel.forms.main.add_error(
                "code" if "code" in self.panel.forms.main.fields else None, refusal.sentence
            )
            self.notice = _("Not saved yet: see what is said at the fields.")
            return self.page()
        return self._saved(saved.definition, saved.label, saved.chosen)

    def _remove(self, *, is_sure: bool) -> HttpResponse:
        loss = self.panel.loss()
        if loss and not is_sure:
            self.loss = loss
            self.panel.forms = self.panel.forms.typed()
            return self.page()
        removed = self.panel.removed()
        return self._saved(removed.definition, removed.label, removed.chosen)

    def _saved(self, definition: Any, label: str, chosen: Mapping[str, Any]) -> HttpResponse:
        commands.save_draft(
            *self._by(), version_id=self.version.pk, definition=definition, based_on=self._based_on, label=label
        )
        return self._gone_to(chosen)

    def _step(self) -> HttpResponse:
        command = commands.undo_step if self.verb == "undo" else commands.redo_step
        command(*self._by(), version_id=self.version.pk, based_on=self._based_on)
        return self._gone_to(self.request.GET.dict())

    def _copy(self) -> HttpResponse:
        draft = commands.create_draft(*self._by(), version_id=self.version.pk)
        return HttpResponseRedirect(self.request.path.replace(f"/{self.version.pk}/", f"/{draft}/"))

    def _by(self) -> tuple[Any, UUID]:
        """The id is made with the page, so that a double click is one act."""
        try:
            command_id = UUID(self.request.POST.get("command_id", ""))
        except ValueError:
            raise _reload() from None
        return actor_of(self.request), command_id

    @property
    def _based_on(self) -> str:
        return self.request.POST.get("based_on", "") or "nothing"

    def _gone_to(self, chosen: Mapping[str, Any]) -> HttpResponse:
        query = query_of(chosen)
        return HttpResponseRedirect(f"{self.request.path}?{query}" if query else self.request.path)

    def _refused(self, refusal: CommandRefused) -> HttpResponse:
        """What is typed stays; it can be saved again on top of what others have done."""
        self.notice = str(refusal)
        if refusal.code == MEANWHILE:
            done = ", ".join(label for label in labels_since(self.version, self._based_on) if label)
            self.notice = _(
                "Somebody else has saved meanwhile: %(what)s. What you have typed is still here; saving again puts it "
                "on top."
            ) % {"what": done or "?"}
        self.is_typed = self.verb in OF_THE_FORM
        self.version.refresh_from_db()
        self.__dict__.pop("room", None)
        self.__dict__.pop("panel", None)
        return self.page()

    # -- what is shown

    def page(self) -> HttpResponse:
        context = self._shown()
        if self.request.headers.get("HX-Request") and not self.request.headers.get("HX-History-Restore-Request"):
            # The page stands already: only the desk on it is exchanged.
            answer: HttpResponse = TemplateResponse(self.request, PART, {"version": self.version, **context})
        else:
            answer = shown(self.request, self.version, "edit", TEMPLATE, context)
        # Rows that come and go are no places to go back to.
        answer.headers["HX-Push-Url"] = "false" if self.request.method == "POST" else self.request.get_full_path()
        return answer

    def _shown(self) -> dict[str, Any]:
        problems = check(self.room.definition, self.room.kind)
        may_copy = not self.version.is_draft and rights.may(actor_of(self.request), EDIT, EVERYWHERE)
        return {
            "panel": self.panel,
            "panel_address": f"?{query_of(self.panel.chosen)}",
            "problems": lay_at_fields(self.panel.forms, (one for one in problems if one.where == self.panel.where)),
            "states": list(self._states(problems)),
            "stray": [one for one in problems if one.part == Part.WORKFLOW],
            "may_edit": self.may_edit,
            "may_copy": may_copy,
            "steps": steps_of(self.version) if self.may_edit else None,
            "notice": self.notice,
            "loss": self.loss,
            "is_typed": self.is_typed,
            "command_id": uuid4,  # called by the template: each form on the page has its own
        }

    def _states(self, problems: list[Problem]) -> Iterator[dict[str, Any]]:
        """In order, each with its exits beneath."""
        who = dict(self.room.takers)
        labels, statuses = dict(self.room.states), dict(self.room.statuses)
        worst = {one.where: one for one in sorted(problems, key=lambda one: one.is_error)}
        for state in self.room.definition.states:
            yield {
                "spec": state,
                "label": labels[state.code],
                "status": _status(state, str(statuses.get(state.status, state.status))),
                "problem": worst.get(f"state {state.code}"),
                "is_chosen": self.panel.chosen.get("state") == state.code,
                "exits": [
                    self._exit(edge, state.code, labels, [str(who.get(role, role)) for role in edge.roles], worst)
                    for edge in exits_of(self.room.definition, state.code)
                ],
            }

    def _exit(
        self, edge: EdgeSpec, source: str, labels: Mapping[str, Any], who: list[str], worst: Mapping[str, Problem]
    ) -> dict[str, Any]:
        key = str(EdgeKey.of(edge, source))
        return {
            "key": key,
            "label": word(edge.labels, edge.code),
            "target": labels.get(edge.target, edge.target),
            "who": ", ".join(who),
            "is_guarded": bool(edge.conditions or edge.expression),
            "is_signed": edge.signature is not None,
            "problem": worst.get(f"edge {edge.code}"),
            "is_chosen": self.panel.chosen.get("edge") == key,
        }


def _reload() -> CommandRefused:
    return CommandRefused("unknown", _("Reload the page and try again."))


def _status(state: StateSpec, label: str) -> str:
    return f"{label}, {Phases(state.phase).label}" if state.phase else label
