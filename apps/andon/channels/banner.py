"""The floor banner: screens are told to read anew. Needs no network outside the plant."""

from __future__ import annotations

from django.db import DatabaseError, transaction
from django.utils.translation import gettext as _

from apps.andon.channels.interface import Address, ChannelKind, Failed, Message
from apps.core import live


class Banner:
    """What the banner says is rendered by the screens from what is open; the word to do so is all that travels."""

    kind = ChannelKind.BANNER

    def send(self, message: Message, address: Address, timeout_seconds: float) -> str:  # noqa: ARG002  # of the protocol
        if not address.topic or len(address.topic) > live.MAX_TOPIC_LENGTH:
            raise Failed(_("No screens are named; choose the line or the person."), permanent=True)
        try:
            with transaction.atomic():
                live.announce([address.topic])
        except DatabaseError:
            raise Failed(_("The screens can't be told: the database refuses; see its log.")) from None
        return _("Told to the screens of %(topic)s.") % {"topic": address.topic}

    def why_not_ready(self) -> str:
        return ""
