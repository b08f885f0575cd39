from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.rights import declare

VIEW = declare("workflows.view", _("read workflows"))
EDIT = declare("workflows.edit", _("change workflows"), desk=True)
SIMULATE = declare("workflows.simulate", _("try workflows on past work"), desk=True)
PUBLISH = declare("workflows.publish", _("publish workflows"), desk=True)
STOP_EDGE = declare("workflows.stop_edge", _("stop or resume a step of a workflow"))
OVERRIDE = declare("workflows.override", _("take a step whose check or effect is broken"))
STOP_RULE = declare("workflows.stop_rule", _("switch a rule off or on"))
VIEW_PHOTOS = declare("workflows.view_photos", _("see pictures that were taken for steps"))
