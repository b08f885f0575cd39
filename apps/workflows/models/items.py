"""What an item that runs on a workflow is made of: its version, its state and status, and who may write them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, cast

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, FSMFieldDescriptor, FSMFieldMixin, Transition, TransitionNotAllowed

from apps.core.triggers import GuardTrigger
from apps.workflows.graph import Graph, graph
from apps.workflows.models.versions import Version

GUARD_MOVE = "workflows_guard_move"
GUARD_BIRTH = "workflows_guard_birth"


class _Reloading(threading.local):
    """Instances that Django reloads in this very thread; a flag on the field or the instance would open others."""

    def __init__(self) -> None:
        self.ids: list[int] = []


_reloading = _Reloading()


class EngineOnlyDescriptor(FSMFieldDescriptor):
    """Assignment is refused except while Django builds or reloads this very instance."""

    def __set__(self, instance: models.Model, value: Any) -> None:
        is_building = instance._state.adding and self.field.name not in instance.__dict__
        if not (is_building or id(instance) in _reloading.ids):
            raise AttributeError(f"{self.field.name} changes only through apps.workflows.engine.fire()")
        self.field.set_state(instance, value)


class _EngineOnlyField(FSMFieldMixin):
    """A new item starts in the initial state of its version: filled in when left out, refused when another."""

    descriptor_class = EngineOnlyDescriptor

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.update(protected=True, editable=False)
        kwargs.setdefault("default", "")
        kwargs.setdefault("max_length", 40)
        super().__init__(*args, **kwargs)

    def initial(self, found: Graph) -> str:
        raise NotImplementedError

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:  # noqa: FBT001  # Django's signature
        if add and isinstance(model_instance, WorkflowItem):
            initial = self.initial(model_instance.graph)
            given = self.get_state(model_instance)
            if given not in ("", initial):
                raise TransitionNotAllowed(f"a new item starts in {initial!r}, not in {given!r}", object=model_instance)
            self.set_state(model_instance, initial)
        return super().pre_save(model_instance, add)


class GraphFSMField(_EngineOnlyField, FSMField):
    """The state, as django-fsm's field; its transitions are those of the item's own version."""

    def initial(self, found: Graph) -> str:
        return found.initial.code

    def contribute_to_class(self, cls: type[models.Model], name: str, *args: Any, **kwargs: Any) -> None:
        super().contribute_to_class(cls, name, *args, **kwargs)
        # django-fsm writes listings of class-wide transitions under these names; an item has those of its version.
        setattr(cls, f"get_all_{name}_transitions", _all_transitions)
        setattr(cls, f"get_available_{name}_transitions", _available_transitions)
        setattr(cls, f"get_available_user_{name}_transitions", _available_user_transitions)


class ItemStatusField(_EngineOnlyField, FSMField):
    """The fixed status that the state belongs to; the engine sets it together with the state."""

    def initial(self, found: Graph) -> str:
        return found.initial.status


def _all_transitions(item: WorkflowItem) -> Iterator[Transition]:
    for step in item.graph.steps.values():
        yield from step._django_fsm.transitions.values()


def _available_transitions(item: WorkflowItem) -> Iterator[Transition]:
    """Guards are asked by fire() and by exits(), which know the actor; here only the source counts."""
    return (transition for transition in _all_transitions(item) if transition.source == item.state)


def _available_user_transitions(item: WorkflowItem, user: Any) -> Iterator[Transition]:  # noqa: ARG001
    """None: rights hang on an actor, and apps.workflows.exits answers for one."""
    return iter(())


class WorkflowItem(models.Model):
    """Base of every model that runs on workflows.

    `Model.objects.create(workflow_version=version, ...)` starts in the version's initial state; from then on only
    apps.workflows.engine.fire() moves it. A concrete model says `triggers = workflow_triggers()` in its Meta.
    """

    workflow_version = models.ForeignKey(
        Version, models.PROTECT, related_name="+", verbose_name=_("workflow version"), editable=False
    )
    state = GraphFSMField(_("state"))
    status = ItemStatusField(_("status"))

    workflow_version_id: int

    class Meta:
        abstract = True

    @property
    def graph(self) -> Graph:
        """Of the item's own version, compiled once per process."""
        return graph(self.workflow_version)

    @classmethod
    def state_field(cls) -> GraphFSMField:
        return cast(GraphFSMField, cls._meta.get_field("state"))

    @property
    def state_label(self) -> str:
        return self.graph.state_label(self.state)

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        _reloading.ids.append(id(self))
        try:
            super().refresh_from_db(*args, **kwargs)
        finally:
            _reloading.ids.remove(id(self))


def workflow_triggers() -> list[GuardTrigger]:
    """For the Meta of a concrete item: below Python too, state and status move only along an edge, armed by fire()."""
    return [
        GuardTrigger(
            name="workflow_move",
            function=GUARD_MOVE,
            operation=pgtrigger.Update,
            condition=pgtrigger.Condition(
                "OLD.state IS DISTINCT FROM NEW.state OR OLD.status IS DISTINCT FROM NEW.status "
                "OR OLD.workflow_version_id IS DISTINCT FROM NEW.workflow_version_id"
            ),
        ),
        GuardTrigger(name="workflow_birth", function=GUARD_BIRTH, operation=pgtrigger.Insert),
    ]
