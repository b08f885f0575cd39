from django.db import models

from apps.core.history import History
from apps.workflows.models import WorkflowItem, workflow_triggers


class ThingStatus(models.TextChoices):
    WAITING = "waiting", "Waiting"
    READY = "ready", "Ready"
    RUNNING = "running", "Running"
    SUSPENDED = "suspended", "Suspended"
    HELD = "held", "Held"
    COMPLETED = "completed", "Completed"
    CLOSED = "closed", "Closed"
    CANCELLED = "cancelled", "Cancelled"


class Thing(WorkflowItem):
    name = models.CharField(max_length=40, default="thing")
    quantity = models.DecimalField(max_digits=12, decimal_places=3, default=0)
    site_id = models.BigIntegerField(null=True)
    history = History()

    class Meta:
        triggers = workflow_triggers()


class PlainThing(models.Model):
    """The same by hand, for the figures: no workflow, no trigger."""

    name = models.CharField(max_length=40, default="thing")
    quantity = models.DecimalField(max_digits=12, decimal_places=3, default=0)
    site_id = models.BigIntegerField(null=True)
    state = models.CharField(max_length=40, default="ready")
    status = models.CharField(max_length=40, default="ready")
    history = History()
