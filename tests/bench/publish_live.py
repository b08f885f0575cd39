"""From the publication of a version with a new button until that button is on 200 open stations.

p95_s     over all stations and publications, from before the command that publishes.  On each station an operation is
          ready, a state in which it may change the version: the plan of the version moves it ("at safe states"), the
          worker does so, the station hears of it and fetches its buttons, as static/floor does.
Beside it: the same 200 stations fetch their buttons at once, with nothing else to do; no push could be faster.
"""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import Any
from uuid import uuid4

from tests.bench.figures import compared, load, percentile, told
from tests.bench.running import folder, helper, product

LINES, STATIONS_EACH = 10, 20
PUBLICATIONS, PAUSE_SECONDS = 5, 3
BARS = {"p95_s": "<= 2"}
SECRET = "a-secret-of-the-bench"


def main() -> None:
    with product() as running, folder() as scratch:
        listed = scratch / "stations.json"
        listed.write_text(json.dumps(stations()))
        result = scratch / "shown.json"
        begun: dict[str, float] = {}
        with helper("station_screens", running.port, listed, result) as screens:
            assert screens.stdin
            assert screens.stdout

            def say(text: str, expected: str) -> None:
                if text:
                    screens.stdin.write(f"{text}\n")
                    screens.stdin.flush()
                assert screens.stdout.readline() == f"{expected}\n", f"no {expected!r}: {load()}"

            say("", "ready")
            for number in range(PUBLICATIONS):
                label = f"Bench way {number}"
                version_id = drafted(number, label)
                time.sleep(PAUSE_SECONDS)
                say("fetch", "fetched")
                time.sleep(PAUSE_SECONDS)
                say(f"await {label}", "waiting")
                begun[label] = time.monotonic()
                publish_it(version_id)
                took = time.monotonic() - begun[label]
                say("", "shown")
                print(f"{label}: the command took {took:.2f} s, {load()}", flush=True)
            say("close", "done")
        found: dict[str, Any] = json.loads(result.read_text())
    assert not found["dropped"], found["dropped"][:3]
    own = [[at - begun[label] for at in found["shown"][label]] for label in begun]
    assert all(len(seen) == LINES * STATIONS_EACH for seen in own), [len(seen) for seen in own]
    everything = [seconds for seen in own for seconds in seen]
    print(f"p50 {percentile(everything, 50):.2f} s, max {max(everything):.2f} s, {load()}")
    least = [percentile(fetch, 95) for fetch in found["fetches"]]
    compared("p95", "s", [percentile(seen, 95) for seen in own], least, "all fetch at once")
    told("publish_live", {"p95_s": percentile(everything, 95)}, BARS)


def stations() -> list[list[str]]:
    """Each with a terminal, Dana signed in, and an operation that is ready."""
    from pydantic import SecretStr

    from apps.core.actors import Actor
    from apps.orders.commands import Operation, release_work_order
    from apps.orders.models import JobOrder
    from apps.plant.commands import assign_role, enrol_terminal
    from apps.plant.models import Person, WorkCenter, WorkUnit

    bench = Actor.system("bench")
    model = WorkCenter.objects.select_related("area__site").get(code="L3")
    site, made = model.area.site, []
    dana = Person.objects.get(username="dana")
    assign_role(bench, uuid4(), person_id=dana.pk, role="operator", place=f"site:{site.pk}")
    for line in range(LINES):
        center = WorkCenter.objects.create(area=model.area, code=f"B{line}", name=f"Bench {line}", kind=model.kind)
        for position in range(1, STATIONS_EACH + 1):
            code = f"B{line}S{position}"
            unit = WorkUnit.objects.create(work_center=center, position=position, code=code, name=code)
            terminal = enrol_terminal(
                bench, uuid4(), code=code, site_id=site.pk, work_unit_id=unit.pk, secret=SecretStr(SECRET)
            )
            release_work_order(
                bench,
                uuid4(),
                site_id=site.pk,
                number=f"WO-{code}",
                item_code="ES-65-200",
                item_name="End-suction pump ES 65-200",
                quantity=Decimal(100),
                unit="pcs",
                due_at=None,
                operations=[Operation(sequence=10, name="Pack", work_center_id=center.pk, work_unit_id=unit.pk)],
            )
            cookie = f"mfgos_terminal={terminal}.{SECRET}; {signed_in(dana.pk, terminal)}"
            parts = f"station:{unit.pk} station-buttons:{unit.pk} station-erp:{unit.pk}"
            made.append([parts, f"/station/{site.code}/{code}/panel/", cookie])
    ready = JobOrder.objects.filter(work_center__code__startswith="B", status="ready").count()
    assert ready == len(made), f"{ready} operations are ready of {len(made)}"
    return made


def signed_in(person_id: int, terminal_id: int) -> str:
    """The cookie of a session as signing in at a station makes it."""
    from django.conf import settings
    from django.contrib.sessions.backends.db import SessionStore
    from django.http import HttpRequest

    from apps.plant.sessions import open_floor_session

    request = HttpRequest()
    request.session = SessionStore()
    open_floor_session(request, person_id=person_id, terminal_id=terminal_id)
    request.session.save()
    return f"{settings.SESSION_COOKIE_NAME}={request.session.session_key}"


def drafted(number: int, label: str) -> int:
    """In review: the version in force and one more way out of Ready, with the plan that items move at safe states."""
    from apps.core import clock
    from apps.core.actors import Actor
    from apps.workflows.commands import create_draft, save_draft, submit_for_review
    from apps.workflows.definition import EdgeSpec
    from apps.workflows.life.commands import plan_moves
    from apps.workflows.models import Policy, Version
    from apps.workflows.rows import to_definition

    bench = Actor.system("bench")
    newest = Version.objects.in_force(at=clock.now()).filter(workflow__code="job_order").first()
    assert newest
    definition = to_definition(newest)
    labels = {"en": label, "de": label}
    way = EdgeSpec(
        code=f"bench_{number}", labels=labels, sources=["ready"], target="setting_up", presentation="offered"
    )
    version_id = create_draft(bench, uuid4(), version_id=newest.pk)
    changed = definition.model_copy(update={"edges": [*definition.edges, way]})
    save_draft(bench, uuid4(), version_id=version_id, definition=changed)
    plan_moves(bench, uuid4(), version_id=version_id, policy=Policy.SAFE)
    submit_for_review(bench, uuid4(), version_id=version_id)
    return version_id


def publish_it(version_id: int) -> None:
    from apps.core.actors import Actor
    from apps.workflows.commands import publish

    publish(Actor.system("bench"), uuid4(), version_id=version_id, note="A new way.")


if __name__ == "__main__":
    main()
