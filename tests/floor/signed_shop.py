"""A shop whose engineers ask for a first article: Olga sets up, an inspector approves what she has made.

In the version that is in force when the shop is made; `publish(change)` puts another one in force.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any

from django.test import Client

from apps.orders.commands import take_edge
from apps.orders.models import JobOrder
from apps.plant.models import Person, Terminal
from apps.workflows import commands
from apps.workflows.definition import Definition
from apps.workflows.models import Version, Workflow
from apps.workflows.rows import to_definition
from tests.orders.shop import make_job
from tests.seeded import seed_plant
from tests.world import PIN, World, give_role, make_person, make_terminal, make_world, run, terminal_cookie

Content = dict[str, Any]
MEANING = {"en": "I have checked the first piece", "de": "Ich habe das Erstteil geprüft"}


def texts(english: str) -> dict[str, str]:
    return {"en": english, "de": f"{english} (de)"}


def typed(name: str, type_: str, label: str, **more: Any) -> Content:
    return {"name": name, "type": type_, "labels": texts(label), **more}


TORQUE = typed("torque", "number", "Torque", unit="Nm", low="12", high="14")
ASKED = [
    TORQUE,
    typed("clean", "boolean", "Free of burrs"),
    typed("casting", "lot", "Lot of the casting"),
    typed("remark", "text", "Remark", required=False),
]


def edge(code: str, label: str, sources: list[str], target: str, **more: Any) -> Content:
    return {"code": code, "labels": texts(label), "sources": sources, "target": target, **more}


def first_article(signers: int = 1, **approve: Any) -> Callable[[Content], None]:
    """`approve`: what the inspector's edge has otherwise."""

    def change(content: Content) -> None:
        article = {"code": "first_article", "labels": texts("First article"), "status": "running", "phase": "set_up"}
        content["states"].insert(3, article)
        by_code(content, "start")["sources"] = ["ready"]
        by_code(content, "hold")["sources"].append("first_article")
        signature = {"meaning": MEANING, "signers": signers, "not_same_as": ["set_up"]}
        more = {"roles": ["inspector", "line_lead"], "signature": signature, "inputs": ASKED} | approve
        content["edges"] += [
            edge("show_first", "First piece is made", ["setting_up"], "first_article", roles=["operator"]),
            edge("approve_first", "Approve first piece", ["first_article"], "running", **more),
            edge("reject_first", "Set up again", ["first_article"], "setting_up", roles=["inspector"]),
        ]

    return change


def by_code(content: Content, code: str) -> Content:
    (found,) = [one for one in content["edges"] if one["code"] == code]
    return found  # type: ignore[no-any-return]


@dataclass(frozen=True)
class SignedShop:
    """Job WO-7 is at station A33, on the version with the first article."""

    world: World
    job: JobOrder
    terminal: Terminal
    paul: Person

    def publish(self, *changes: Callable[[Content], None]) -> Version:
        return publish(self.world.pia, self.paul, *changes)

    def at(self, *edges: str) -> JobOrder:
        """The job, taken along these by Olga."""
        for code in edges:
            run(take_edge, self.world.olga, job_order_id=self.job.pk, edge=code, inputs={})
        return self.reload()

    def reload(self) -> JobOrder:
        return JobOrder.objects.select_related("workflow_version").get(pk=self.job.pk)

    def tablet(self, badge: str = "badge-olga") -> Client:
        client = Client()
        client.cookies.update(SimpleCookie(terminal_cookie(self.terminal)))
        if badge:
            assert client.post("/station/S1/A33/sign-in/", {"badge": badge, "pin": PIN}).status_code == 302
        return client

    def post(self, client: Client, act: str, edge: str, **fields: Any) -> tuple[int, str]:
        sent = {"job": self.job.pk, "edge": edge, **{name.replace("__", "."): value for name, value in fields.items()}}
        answer = client.post(f"/station/S1/A33/{act}/", sent)
        return answer.status_code, answer.content.decode()


def publish(author: Person, approver: Person, *changes: Callable[[Content], None]) -> Version:
    """As engineers do: a copy of the newest version, changed, reviewed, approved by another one."""
    newest = Version.objects.filter(workflow__code="job_order").order_by("-number")[0]
    draft_id = run(commands.create_draft, author, version_id=newest.pk)
    content = copy.deepcopy(to_definition(newest).model_dump(mode="json"))
    for change in changes:
        change(content)
    run(commands.save_draft, author, version_id=draft_id, definition=Definition.model_validate(content))
    run(commands.submit_for_review, author, version_id=draft_id)
    run(commands.publish, approver, version_id=draft_id, note="As agreed with quality.")
    return Version.objects.get(pk=draft_id)


def make_signed_shop(*changes: Callable[[Content], None]) -> SignedShop:
    """First article, one inspector, unless other changes are given. Everybody has a badge and the same PIN."""
    seed_plant()
    world = make_world()
    paul = make_person("paul", site=world.site)
    for engineer in (world.pia, paul):
        give_role(engineer, "process_engineer")
    iris = make_person("iris", site=world.site, badge="badge-iris")
    give_role(iris, "inspector", world.site)
    for person in (world.olga, world.lena, world.ivan, world.pia, iris):
        person.badge = f"badge-{person.username}"
        person.set_pin(PIN)
        person.save()
    publish(world.pia, paul, *(changes or [first_article()]))
    job = make_job(world.line, world.station, number="WO-7")
    return SignedShop(world, job, make_terminal(world.site, station=world.station), paul)


def stopped(shop: SignedShop, edge_code: str, reason: str) -> int:
    workflow = Workflow.objects.get(code="job_order")
    stop_id: int = run(commands.stop_edge, shop.world.pia, workflow_id=workflow.pk, edge=edge_code, reason=reason)
    return stop_id


BADGE: Mapping[str, str] = {"badge": "badge-ivan", "pin": PIN}
