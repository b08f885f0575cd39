from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.rights import declare

VIEW_ORDERS = declare("orders.view", _("see orders"))
RUN_JOB = declare("orders.run_job", _("run operations"))
CONFIRM = declare("orders.confirm", _("book quantities"))
REVERSE = declare("orders.reverse", _("undo bookings"))
MANAGE_ORDERS = declare("orders.manage", _("release orders"), desk=True)
EDIT_STANDARD_WORK = declare("orders.edit_standard_work", _("write and publish standard work"), desk=True)
DECIDE_CHANGE = declare("orders.decide_change", _("decide on changes from the ERP"))
GO_ON = declare("orders.go_on", _("decide how a blocked order goes on"))
REQUEST_CHANGE = declare("orders.request_change", _("ask that an item be made otherwise"))
HANDLE_CHANGE = declare("orders.handle_change", _("take the steps of change requests"))
SUBSTITUTE = declare("orders.substitute", _("use other material than planned"))
