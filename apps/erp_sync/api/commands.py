"""Tokens are given to other systems, and taken away."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from pydantic import SecretStr

from apps.core.commands import Context, command
from apps.core.rights import EVERYWHERE
from apps.erp_sync.api.actions import MANAGE_TOKENS
from apps.erp_sync.api.events import TokenCreated, TokenRevoked
from apps.erp_sync.api.scopes import SCOPES, of_all_sites
from apps.erp_sync.api.secret_texts import SHOWN, hash_of, looks_right
from apps.erp_sync.models import ApiToken
from apps.plant.models import Site

LONGEST = timedelta(days=365)
# With "erp:" before it, what the ledger keeps of an agent.
LONGEST_NAME = 36


@command("erp_sync.create_token")
def create_token(
    context: Context,
    *,
    name: str,
    scopes: list[str],
    expires_at: datetime,
    secret: SecretStr,
    site_id: int | None = None,
) -> int:
    """The token's id. `secret` comes from secret_texts.new_secret() and is kept by the other system alone.

    Refused: not_found, not_valid, name_taken.
    """
    site = Site.objects.filter(pk=site_id).first() if site_id is not None else None
    context.allow(MANAGE_TOKENS, at=site.scope if site else EVERYWHERE)
    if site_id is not None and site is None:
        context.refuse("not_found", _("There is no such site."))
    _check(context, name, scopes, expires_at, site)
    text = secret.get_secret_value()
    if not looks_right(text):
        context.refuse("not_valid", _("This is no secret of ours."))
    token = ApiToken.objects.create(
        name=name.strip(),
        site=site,
        prefix=text[:SHOWN],
        secret_hash=hash_of(text),
        scopes=sorted(set(scopes)),
        expires_at=expires_at,
        created_at=context.now,
        created_by_id=context.actor.person_id,
    )
    context.record(
        TokenCreated(subject_id=token.pk, site_id=site_id, scopes=sorted(set(scopes)), expires_at=expires_at)
    )
    return token.pk


def _check(context: Context, name: str, scopes: list[str], expires_at: datetime, site: Site | None) -> None:
    if not 1 <= len(name.strip()) <= LONGEST_NAME:
        context.refuse("not_valid", _("Give it a name of at most 36 characters."))
    if not scopes or not SCOPES.issuperset(scopes):
        unknown = ", ".join(sorted(set(scopes) - SCOPES))
        context.refuse(
            "not_valid", _("Choose at least one scope, of those there are. %(unknown)s") % {"unknown": unknown}
        )
    shared = of_all_sites(scopes) if site else []
    if shared:
        context.refuse(
            "not_valid", _("What all sites share is written by a token of all sites: %(s)s.") % {"s": ", ".join(shared)}
        )
    if not context.now < expires_at <= context.now + LONGEST:
        context.refuse("not_valid", _("It has to expire within 365 days."))
    if ApiToken.objects.filter(name=name.strip(), revoked_at=None).exists():
        context.refuse("name_taken", _("There is a token of this name. Revoke it first, or choose another name."))


@command("erp_sync.revoke_token")
def revoke_token(context: Context, *, token_id: int) -> None:
    """From the next request on it is worth nothing."""
    token = ApiToken.objects.select_for_update(of=("self",)).select_related("site").filter(pk=token_id).first()
    if token is None:
        context.allow(MANAGE_TOKENS, at=EVERYWHERE)
        context.refuse("not_found", _("It does not exist any more. Reload the page."))
    context.allow(MANAGE_TOKENS, at=token.scope)
    if token.revoked_at is None:
        token.revoked_at = context.now
        token.save(update_fields=["revoked_at"])
        context.record(TokenRevoked(subject_id=token.pk, site_id=token.site_id))
