"""The admin's base classes for what stands at a place, and for what only commands write."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID, uuid4

from django.contrib import admin, messages
from django.db.models import ForeignKey, Model, QuerySet
from django.forms import BaseModelFormSet, CharField, ModelChoiceField, ModelForm, TextInput
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _later
from django.views.decorators.csrf import csrf_protect
from unfold.forms import ActionForm

from apps.core import rights
from apps.core.actors import Actor
from apps.core.administration import HistoryAdmin, PlainAdmin, RightsMixin
from apps.core.errors import CommandRefused
from apps.core.rights import Action
from apps.plant.actions import MANAGE_PLANT, VIEW_PLANT


def actor_of(request: HttpRequest) -> Actor:
    """Who acts; the admin lets nobody else in."""
    actor: Actor = request.actor  # type: ignore[attr-defined]  # set by ActorMiddleware
    return actor


def by(request: HttpRequest) -> tuple[Actor, UUID]:
    """The first two inputs of a command."""
    return actor_of(request), uuid4()


class PlacedMixin(RightsMixin):
    """Shows the rows, and offers the choices, of the places where the person has the right.

    A row's `scope` decides who may change it.
    """

    view_action = VIEW_PLANT
    change_action: ClassVar[Action | None] = MANAGE_PLANT

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]  # mixed into a ModelAdmin
        if not hasattr(rows, "visible_to"):
            return rows
        actor = actor_of(request)
        seen: QuerySet[Any] = rows.visible_to(actor, self.view_action)
        return seen | rows.visible_to(actor, self.change_action) if self.change_action else seen

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        if obj is None or self.change_action is None:
            return super().has_change_permission(request, obj)
        return rights.may(actor_of(request), self.change_action, obj.scope)  # type: ignore[attr-defined]

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any], request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        rows = db_field.related_model._default_manager.all()
        if self.change_action and hasattr(rows, "visible_to"):
            kwargs.setdefault("queryset", rows.visible_to(actor_of(request), self.change_action))
        field: ModelChoiceField[Any] | None = super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]
        return field


class PlacedAdmin(PlacedMixin, HistoryAdmin):
    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: bool) -> None:  # noqa: FBT001
        """Where it stands now must be within the right as well; a refusal undoes the save."""
        super().save_model(request, obj, form, change)
        if not self.has_change_permission(request, obj):
            raise CommandRefused("not_allowed", _("You may not change this place."))

    def save_formset(
        self,
        request: HttpRequest,
        form: ModelForm[Any],  # noqa: ARG002
        formset: BaseModelFormSet[Any, Any],
        change: bool,  # noqa: ARG002, FBT001
    ) -> None:
        """Rows inside a page get the name of who changed them into their history, as the page's own row does."""
        rows = formset.save(commit=False)
        for row in (*rows, *formset.deleted_objects):
            row._history_user = request.user
        for row in formset.deleted_objects:
            row.delete()
        for row in rows:
            row.save()
        formset.save_m2m()


class InlineMixin(RightsMixin):
    """Rows of a page that follow the right to that page."""

    view_action = VIEW_PLANT
    change_action = MANAGE_PLANT
    extra = 0


class WithoutTransaction(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """A command owns its transaction, so the page must not be in one; stands last, in the place of Django's own."""

    @method_decorator(csrf_protect)
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        page: HttpResponse = self._changeform_view(  # type: ignore[attr-defined]  # Django's own, without its atomic
            request, object_id, form_url, extra_context
        )
        return page


# How unfold shows the choice of an action, on the bar's own colour.
_AS_THE_CHOICE = " ".join(
    f"group-[.changelist-actions]:{name}"
    for name in ("!bg-white/20", "font-medium", "px-2", "py-1", "rounded-default", "!text-current", "lg:w-72")
)


class WithReason(ActionForm):
    """Beside the actions of a list: why."""

    reason = CharField(label=_later("Reason"), required=False, widget=TextInput({"class": _AS_THE_CHOICE}))


class CommandAdmin(PlacedMixin, PlainAdmin, WithoutTransaction):
    """`save_model` calls a command, and nothing else writes."""

    actions: Any = None

    def each(self, request: HttpRequest, rows: QuerySet[Any], command: Any, name: str, **inputs: Any) -> None:
        run_for_each(request, rows, command, name, **inputs)


def run_for_each(request: HttpRequest, rows: QuerySet[Any], command: Any, name: str, **inputs: Any) -> None:
    """Runs `command(<name>=pk, **inputs)` for the rows marked in a list; says what was refused."""
    done = 0
    for key in rows.values_list("pk", flat=True):
        try:
            command(*by(request), **{name: key}, **inputs)
            done += 1
        except CommandRefused as refusal:
            messages.error(request, str(refusal))
    if done:
        messages.success(request, _("Done: %(count)s.") % {"count": done})
