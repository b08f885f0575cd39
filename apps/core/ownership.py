"""What the ERP owns: declared once on each model, collected here, held by a database trigger.

    class Item(ErpFed):
        erp_owned = owned_by_erp("code", "name", "unit")        # rows with an erp_key are the ERP's

    class BomLine(models.Model):
        erp_owned = owned_by_erp("item", "quantity", parent="bom")   # ... those whose parent row has one

    with erp_authority(context):                                # the ERP sync, within its transaction
        Item.objects.filter(...).update(name="Pump")

A row without a key in the ERP is ours, whatever its model. A field may change hands: see FieldOwnership.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pgtrigger
from django.db import connection, models, transaction
from django.db.models import Q
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from apps.core.actors import Origin
from apps.core.models import FieldOwnership
from apps.core.triggers import GuardTrigger

if TYPE_CHECKING:
    from apps.core.commands import Context

GUARD = "mfgos_guard_ownership"
# Carries the id of the transaction it is armed for, so that a value left on a connection opens nothing later.
SETTING = "mfgos.authority"


class ErpFed(models.Model):
    """Base of rows that an ERP may send; `erp_key` is empty for those made here, and these are ours."""

    erp_key = models.CharField(_("key in the ERP"), max_length=80, blank=True, default="", editable=False)
    erp_version = models.CharField(_("version in the ERP"), max_length=80, blank=True, default="", editable=False)
    erp_version_at = models.DateTimeField(_("time of that version"), null=True, blank=True, editable=False)

    class Meta:
        abstract = True

    @property
    def is_erps(self) -> bool:
        return bool(self.erp_key)


def erp_key_once(name: str) -> models.UniqueConstraint:
    return models.UniqueConstraint(fields=["erp_key"], condition=~Q(erp_key=""), name=name)


@dataclass(frozen=True)
class Ownership:
    """Of one model.

    fields    the ERP's, as long as no switch says otherwise
    offered   ours, until a switch gives them to the ERP
    parent    the foreign key whose row decides whose this row is; empty: the row's own `erp_key` does
    """

    fields: frozenset[str]
    offered: frozenset[str]
    parent: str

    @property
    def fixed(self) -> frozenset[str]:
        """What makes the row this row; no switch gives it away."""
        return frozenset({self.parent} if self.parent else {"erp_key", "erp_version", "erp_version_at"})

    @property
    def switchable(self) -> frozenset[str]:
        return self.fields | self.offered


# Model label ("materials.Item") -> what the ERP owns of it.
OWNERSHIP: dict[str, Ownership] = {}


class OwnershipTrigger(GuardTrigger):
    """Tells the guard which row decides, and field:column:owner of everything declared."""

    def render_execute(self, model: Any) -> str:
        owned = OWNERSHIP[model._meta.label]
        decides = "erp_key"
        if owned.parent:
            key = model._meta.get_field(owned.parent)
            decides = f"{key.column}>{key.related_model._meta.db_table}"
        owners = dict.fromkeys(owned.fixed | {model._meta.pk.name}, "fixed")
        owners |= dict.fromkeys(owned.fields, "erp") | dict.fromkeys(owned.offered, "mfgos")
        columns = [f"{name}:{model._meta.get_field(name).column}:{owner}" for name, owner in sorted(owners.items())]
        arguments = ", ".join(f"'{text}'" for text in [model._meta.label, decides, *columns])
        return f"{self.function}({arguments})"


class owned_by_erp:  # noqa: N801  # reads as a declaration on the model
    """The declaration on a concrete model: `erp_owned = owned_by_erp("code", ...)`; see the module's text."""

    def __init__(self, *fields: str, offered: Iterable[str] = (), parent: str = "") -> None:
        self.ownership = Ownership(frozenset(fields), frozenset(offered), parent)

    def contribute_to_class(self, cls: type[models.Model], name: str) -> None:
        """Adds the row and truncate triggers to the model's Meta, as if they were written there."""
        setattr(cls, name, self.ownership)
        OWNERSHIP[cls._meta.label] = self.ownership
        options: Any = cls._meta
        options.triggers = [
            *getattr(options, "triggers", []),
            OwnershipTrigger(
                name="erp_owned", function=GUARD, operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete
            ),
            GuardTrigger(
                name="erp_owned_truncate",
                function=GUARD,
                operation=pgtrigger.Truncate,
                level=pgtrigger.Statement,
            ),
        ]
        options.original_attrs["triggers"] = options.triggers


def owned_fields(model: type[models.Model], site_id: int | None = None) -> frozenset[str]:
    """The fields of `model` that are the ERP's on its rows at the site; None: where no site has a switch of its own."""
    declared = OWNERSHIP.get(model._meta.label)
    if declared is None:
        return frozenset()
    return _settled(declared, _switches(model._meta.label, site_id))


def owned_fields_of(row: models.Model) -> frozenset[str]:
    """Those that only the ERP writes on this very row: none when the row is ours. One query or two."""
    declared = OWNERSHIP.get(row._meta.label)
    if declared is None:
        return frozenset()
    decides = getattr(row, declared.parent) if declared.parent else row
    if not getattr(decides, "erp_key", ""):
        return frozenset()
    return _settled(declared, _switches(row._meta.label, getattr(row, "site_id", None)))


def _settled(declared: Ownership, switches: Mapping[str, str]) -> frozenset[str]:
    kept = {name for name in declared.fields if switches.get(name, "erp") == "erp"}
    gained = {name for name in declared.offered if switches.get(name) == "erp"}
    return frozenset(declared.fixed | kept | gained)


def _switches(label: str, site_id: int | None) -> dict[str, str]:
    """Field -> owner; a switch for the site goes before one for all sites."""
    rows = FieldOwnership.objects.filter(Q(site_id=None) | Q(site_id=site_id), model=label)
    return dict(rows.order_by(models.F("site_id").asc(nulls_first=True)).values_list("field", "owner"))


@contextmanager
def erp_authority(context: Context) -> Iterator[None]:
    """Within it, what the ERP owns may be written; ends with the block, and with the transaction at the latest.

    Only for the ERP sync (a part of the system whose origin is the ERP).  Raises CommandRefused for anybody else,
    RuntimeError outside a transaction.
    """
    if not (context.actor.is_system and context.actor.origin == Origin.ERP):
        context.refuse(
            "erp_owned",
            _now("Only the ERP changes this."),
            _now("Change it in the ERP; it comes back from there."),
        )
    if not connection.in_atomic_block:
        raise RuntimeError("authority is held within a transaction")
    # The savepoint takes the setting back when the block fails.
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(current_setting(%s, true), '')", [SETTING])
        (before,) = cursor.fetchone()
        cursor.execute("SELECT set_config(%s, 'erp:' || pg_current_xact_id(), true)", [SETTING])
        yield
        cursor.execute("SELECT set_config(%s, %s, true)", [SETTING, before])
