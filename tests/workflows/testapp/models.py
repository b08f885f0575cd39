from django.db import models
from django_fsm import FSMField, transition

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
    """The same by hand, for the figures: django-fsm's own transitions, as a programmer would write them."""

    name = models.CharField(max_length=40, default="thing")
    quantity = models.DecimalField(max_digits=12, decimal_places=3, default=0)
    site_id = models.BigIntegerField(null=True)
    state = FSMField(max_length=40, default="ready", protected=True)
    status = models.CharField(max_length=40, default="ready")
    history = History()

    def is_of_a_size(self) -> bool:
        return 0 <= self.quantity < 100

    def is_a_thing(self) -> bool:
        return "thing" in self.name.split()

    @transition(field=state, source="ready", target="running", conditions=[is_of_a_size, is_a_thing])
    def start(self) -> None:
        self.status = "running"


class Note(models.Model):
    """What an effect leaves behind."""

    text = models.CharField(max_length=80)
