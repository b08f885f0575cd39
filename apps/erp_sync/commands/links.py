"""Which ERP a site has."""

from __future__ import annotations

import re
from typing import Any

from django.utils.translation import gettext as _
from pydantic import ValidationError

from apps.core.commands import Context, command
from apps.erp_sync.actions import CONNECT
from apps.erp_sync.events import ErpConnected, ErpDisconnected, ErpPolicySet
from apps.erp_sync.models import ErpLink, Posting
from apps.erp_sync.policy import Policy
from apps.plant.models import Person, Site


@command("erp_sync.connect_erp")
def connect_erp(
    context: Context,
    *,
    site_id: int,
    system: str,
    host: str,
    port: int,
    database: str,
    user: str,
    password_env: str,
    policy: dict[str, Any],
) -> int:
    """The site's ERP from now on; answers the link's id. `password_env` names a variable of the worker.

    Refused: connected_already, bad_policy, bad_password_env.
    """
    site = Site.objects.select_for_update().get(pk=site_id)
    context.allow(CONNECT, at=site.scope)
    if ErpLink.objects.filter(site=site, active=True).exists():
        context.refuse("connected_already", _("This site has an ERP. Disconnect that one first."))
    if not re.fullmatch(r"[A-Z][A-Z0-9_]*", password_env):
        context.refuse("bad_password_env", _("Name an environment variable, in capitals; not the password itself."))
    checked = _checked(context, policy)
    link = ErpLink.objects.create(
        site=site,
        system=system,
        host=host,
        port=port,
        database=database,
        user=user,
        password_env=password_env,
        policy=checked,
    )
    context.record(ErpConnected(subject_id=link.pk, site_id=site.pk, system=system))
    return link.pk


@command("erp_sync.set_policy")
def set_policy(context: Context, *, link_id: int, policy: dict[str, Any]) -> None:
    """How this ERP is told and read from now on; what is on its way goes as it was written. Refused: bad_policy."""
    link = ErpLink.objects.select_for_update(of=("self",)).select_related("site").get(pk=link_id)
    context.allow(CONNECT, at=link.scope)
    link.policy = _checked(context, policy)
    link._history_user = Person(pk=context.actor.person_id)  # type: ignore[attr-defined]  # read by simple-history
    link.save()
    context.record(ErpPolicySet(subject_id=link.pk, site_id=link.site_id, policy=link.policy))


def _checked(context: Context, policy: dict[str, Any]) -> dict[str, Any]:
    try:
        return Policy.model_validate(policy).model_dump(mode="json")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        context.refuse(
            "bad_policy",
            _("The policy can't be read: %(where)s: %(why)s") % {"where": where or "policy", "why": first["msg"]},
        )


@command("erp_sync.disconnect_erp")
def disconnect_erp(context: Context, *, link_id: int) -> None:
    """No new postings from now on. Refused: still_waiting (postings that have not reached the ERP)."""
    link = ErpLink.objects.select_for_update(of=("self",)).select_related("site").get(pk=link_id)
    context.allow(CONNECT, at=link.scope)
    if Posting.objects.unsettled().filter(link=link).exists():
        context.refuse("still_waiting", _("Postings are waiting for this ERP. Have them posted or skipped first."))
    link.active = False
    link.save()
    context.record(ErpDisconnected(subject_id=link.pk, site_id=link.site_id))
