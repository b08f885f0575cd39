"""A site whose ERP is the seeded Tryton, read as the worker reads it."""

from __future__ import annotations

import os
from typing import Any

from apps.core.actors import Actor
from apps.erp_sync.commands import connect_erp
from apps.erp_sync.intake.polling import read_erp
from apps.erp_sync.models import ErpLink
from tests.seeded import seed_plant
from tests.tryton import Tryton
from tests.world import World, make_world, run

PASSWORD_ENV = "MFGOS_TRYTON_PASSWORD"  # its name


def connect(world: World, tryton: Tryton, **policy: Any) -> ErpLink:
    """The site's ERP from now on; this process may speak to it."""
    os.environ[PASSWORD_ENV] = tryton.password
    pk = run(
        connect_erp,
        Actor.system("tests"),
        site_id=world.site.pk,
        system="tryton",
        host="127.0.0.1",
        port=tryton.port,
        database=tryton.database,
        user=tryton.user,
        password_env=PASSWORD_ENV,
        policy=policy,
    )
    return ErpLink.objects.select_related("site").get(pk=pk)


def linked_world(tryton: Tryton, **policy: Any) -> tuple[World, ErpLink]:
    """A site with nothing of its own but people, and the ERP's data in it."""
    seed_plant()
    world = make_world()
    link = connect(world, tryton, **policy)
    return world, link


def read_all(link: ErpLink) -> dict[str, tuple[int, int, int]]:
    """By kind: created, updated, rejected."""
    return {kind: (c.created, c.updated, c.rejected) for kind, c in read_erp(link).items()}
