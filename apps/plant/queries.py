"""The matrix of roles and actions, read from the very rows by which the authorizer decides; and what is a badge."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from django.apps import apps

from apps.core import rights
from apps.core.rights import Action
from apps.plant.models.people import Person
from apps.plant.models.roles import Role, RoleAction


@dataclass(frozen=True)
class Cell:
    role: Role
    held: bool


@dataclass(frozen=True)
class Row:
    action: Action
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Group:
    """The actions of one app."""

    name: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Matrix:
    roles: tuple[Role, ...]
    groups: tuple[Group, ...]


def matrix() -> Matrix:
    """Every declared action, held or not, for every role.  Two queries."""
    roles = tuple(Role.objects.all())
    held = set(RoleAction.objects.values_list("role_id", "code"))

    def row(action: Action) -> Row:
        return Row(action, tuple(Cell(role, (role.pk, action.code) in held) for role in roles))

    actions = sorted(rights.ACTIONS.values(), key=lambda action: action.code)
    return Matrix(
        roles,
        tuple(
            Group(_app_name(label), tuple(row(action) for action in grouped))
            for label, grouped in groupby(actions, key=lambda action: action.code.partition(".")[0])
        ),
    )


def _app_name(label: str) -> str:
    return str(apps.get_app_config(label).verbose_name) if label in apps.app_configs else label


def is_badge(code: str) -> bool:
    """Whether somebody comes in with it. Asked for people who are signed in only: nobody tries badges out with it."""
    return Person.objects.get_queryset().filter(badge=code, is_active=True).exists()
