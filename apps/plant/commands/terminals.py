"""Devices become terminals, and cease to be."""

from __future__ import annotations

from django.utils.translation import gettext as _
from pydantic import SecretStr

from apps.core.commands import Context, command
from apps.core.live import ACCESS
from apps.plant.actions import ENROL_TERMINAL
from apps.plant.commands.rows import locked, save
from apps.plant.events import TerminalEnrolled, TerminalRevoked
from apps.plant.models.places import Site, WorkCenter, WorkUnit
from apps.plant.models.terminals import Terminal, hash_of


@command("plant.enrol_terminal")
def enrol_terminal(
    context: Context,
    *,
    code: str,
    site_id: int,
    secret: SecretStr,
    kind: str = Terminal.Kind.STATION.value,
    work_center_id: int | None = None,
    work_unit_id: int | None = None,
    auto_lock_seconds: int = 300,
) -> int:
    """The terminal's id. `secret` comes from terminals.new_secret() and is kept by the device alone.

    A code that exists is enrolled anew: the device that had it before is out.  Refused: not_valid, not_found.
    """
    site = locked(context, Site.objects.all(), site_id)
    terminal = Terminal.objects.select_for_update().filter(site=site, code=code).first() or Terminal(code=code)
    if terminal.pk:
        context.allow(ENROL_TERMINAL, at=terminal.scope)
    terminal.site = site
    terminal.work_center = WorkCenter.objects.get(pk=work_center_id) if work_center_id else None
    terminal.work_unit = WorkUnit.objects.get(pk=work_unit_id) if work_unit_id else None
    context.allow(ENROL_TERMINAL, at=terminal.scope)
    if terminal.located.site_id != site.pk:
        context.refuse("not_valid", _("The line or station belongs to another site."))
    terminal.kind = kind
    terminal.auto_lock_seconds = auto_lock_seconds
    terminal.secret_hash = hash_of(secret.get_secret_value())
    terminal.enrolled_at, terminal.revoked_at = context.now, None
    save(context, terminal)
    context.record(TerminalEnrolled(subject_id=terminal.pk, site_id=site.pk, place=terminal.place))
    context.touch(ACCESS)
    return terminal.pk


@command("plant.revoke_terminal")
def revoke_terminal(context: Context, *, terminal_id: int) -> None:
    """From the next request on the device is nobody, and so is who signed in at it."""
    rows = Terminal.objects.select_related("site", "work_center", "work_unit__work_center")
    terminal = locked(context, rows, terminal_id)
    context.allow(ENROL_TERMINAL, at=terminal.scope)
    if terminal.revoked_at is None:
        terminal.revoked_at = context.now
        save(context, terminal)
        context.record(TerminalRevoked(subject_id=terminal.pk, site_id=terminal.site_id))
        context.touch(ACCESS)
