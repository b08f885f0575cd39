from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.rights import declare

VIEW_EXCEPTIONS = declare("andon.view", _("see exceptions"))
ANSWER = declare("andon.answer", _("answer exceptions"))
GIVE = declare("andon.give", _("give exceptions to others"))
CONFIGURE = declare("andon.configure", _("set up exceptions and escalation"), desk=True)
OWN_CHANNELS = declare("andon.own_channels", _("choose how you are told of exceptions"))
