from __future__ import annotations

import pytest
from django.contrib.contenttypes.models import ContentType

from apps.plant.models import ReasonCode, Role, RoleAction, SeededRoleAction


@pytest.fixture(autouse=True)
def _no_stale_content_types() -> None:
    """The admin's log names them by id; one made in a test that was rolled back is no more."""
    ContentType.objects.clear_cache()


@pytest.fixture(autouse=True)
def _bare_plant(request: pytest.FixtureRequest) -> None:
    """What every plant is seeded with would hide here where a right comes from."""
    marker = request.node.get_closest_marker("django_db")
    if marker is None:
        return
    request.getfixturevalue("transactional_db" if marker.kwargs.get("transaction") else "db")
    for model in (SeededRoleAction, RoleAction, Role, ReasonCode):
        model._default_manager.all()._raw_delete("default")
