"""A person takes a picture for an item, before the step that asks for it; what no step has used goes again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core.commands import Context, command
from apps.workflows.events import PhotoTaken
from apps.workflows.kinds import KINDS
from apps.workflows.models import Photo
from apps.workflows.photos.reading import picture_of

# So many by one person within so long: far more than any step asks for.
MOST_AT_ONCE = 30
WITHIN = timedelta(minutes=10)


@dataclass(frozen=True)
class Taken:
    """`reference` is what the step is given."""

    photo_id: int
    reference: str


@command("workflows.take_photo")
def take_photo(context: Context, *, item_kind: str, item_id: int, picture: bytes) -> Taken:
    """By who may take steps of the item.

    picture  JPEG, PNG or WebP, as the camera wrote it

    Raises CommandRefused: nobody, unknown_kind, not_found, too_many_photos, and as apps.workflows.photos.reading.
    """
    if context.actor.person_id is None:
        context.refuse("nobody", _("The screen has locked itself. Sign in and take the picture once more."))
    kind = KINDS.get(item_kind)
    if kind is None:
        context.refuse("unknown_kind", _("Pictures are taken of no such thing."), kind=item_kind)
    item = kind.model._base_manager.select_related(*kind.reads).filter(pk=item_id).first()
    site_id = kind.site_id(item) if item else None
    if item is None or site_id is None:
        context.refuse("not_found", _("This does not exist any more. Reload the screen."), id=item_id)
    context.allow(kind.permission, at=kind.scope(item))
    lately = Photo.objects.filter(taken_by_id=context.actor.person_id, taken_at__gt=context.now - WITHIN).count()
    if lately >= MOST_AT_ONCE:
        minutes = int(WITHIN.total_seconds() // 60)
        sentence = ngettext(
            "You have taken %(n)s picture within %(minutes)s minutes. Use it, or wait a little.",
            "You have taken %(n)s pictures within %(minutes)s minutes. Use them, or wait a little.",
            lately,
        )
        context.refuse("too_many_photos", sentence % {"n": lately, "minutes": minutes})
    kept = picture_of(picture)
    photo = Photo.objects.create(
        site_id=site_id,
        item_kind=kind.code,
        item_id=item.pk,
        content=kept.content,
        thumbnail=kept.thumbnail,
        sha256=kept.sha256,
        width=kept.width,
        height=kept.height,
        taken_by_id=context.actor.person_id,
        taken_at=context.occurred_at,
        terminal_id=context.actor.terminal_id,
    )
    context.record(PhotoTaken(**kind.story(item), photo_id=photo.pk, sha256=photo.sha256))
    return Taken(photo.pk, photo.reference)
