from django.db import connection

from apps.core.commands import Context
from apps.core.events import Event
from apps.plant.models import WorkCenter
from apps.workflows.effects import EffectFailed, EffectParameters, Occasion, effect, parameter
from apps.workflows.kinds import GuardField, ValueType
from apps.workflows.surroundings import Surroundings, around, declare_subject
from tests.workflows.testapp.models import PlainThing


class Rung(Event, subject="bell", label="Bell rung"):
    """A bell has rung; its subject is what it says."""

    why: str
    loudness: int
    reason_id: int | None = None
    tones: list[str]


@around("bell", gives=frozenset())
def _bell(subject_id, data):
    """A bell that is called like a line hangs there."""
    if not subject_id.startswith("L"):
        return None
    line = WorkCenter.objects.filter(code=subject_id).only("site_id").first()
    return Surroundings(line=subject_id, work_center_id=line.pk if line else None)


declare_subject(
    "bell",
    find=lambda subject_id, data, at: subject_id,
    fields={
        "is_ringing": GuardField(
            type=ValueType.BOOLEAN,
            label="ringing",
            read=lambda name: not PlainThing.objects.filter(name=f"hush {name}").exists(),
        )
    },
)


class Ring(EffectParameters):
    text: str = parameter("text", max_length=40)
    loudness: int = parameter("loudness", 1, ge=1, le=10)


@effect("ring", "Ring a bell", Ring)
def ring(context: Context, occasion: Occasion, parameters: Ring) -> None:
    PlainThing.objects.create(name=parameters.text, site_id=occasion.around.site_id)
    context.record(
        Rung(
            subject_id=parameters.text,
            site_id=occasion.around.site_id,
            why=occasion.because,
            loudness=parameters.loudness,
            tones=["ding", "dong"],
        )
    )


class Fail(EffectParameters):
    how: str = parameter("how")


@effect("fail", "Fail", Fail)
def fail(context: Context, occasion: Occasion, parameters: Fail) -> None:
    """Leaves a row behind first, which must not stay."""
    PlainThing.objects.create(name="left behind")
    WAYS[parameters.how](context)


def _refuse(context):
    context.refuse("no", "Not now.", "Ask Lena.")


def _say_so(context):
    raise EffectFailed("it can't be done here")


def _divide(context):
    return 1 / 0


def _recurse(context):
    return _recurse(context)


def _sql(text):
    def run(context):
        with connection.cursor() as cursor:
            cursor.execute(text)

    return run


def _swallow(context):
    """A broken transaction that somebody hides is found at the next statement."""
    try:
        _sql("SELECT nothing_of_this_name")(context)
    except Exception:
        return


WAYS = {
    "refuse": _refuse,
    "say so": _say_so,
    "divide": _divide,
    "recurse": _recurse,
    "wrong sql": _sql("SELECT nothing_of_this_name"),
    "too slow": _sql("SELECT pg_sleep(30)"),
    "hide it": _swallow,
    "refer to nothing": _sql(
        "INSERT INTO workflows_rulestop (rule_id, version_id, reason, stopped_at) VALUES (-1, -1, 'x', now())"
    ),
    "find nothing": lambda context: PlainThing.objects.get(name="nothing of this name"),
}
