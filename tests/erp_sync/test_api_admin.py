"""A token is made on a page, shown there once, and revoked there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from apps.core import clock
from apps.erp_sync.models import ApiToken, RefusedMessage
from tests.erp_sync.api_world import make_system
from tests.world import make_holder

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Client:
    client = Client()
    client.force_login(make_holder("erp.manage_tokens", is_staff=True))
    return client


def test_a_token_is_shown_once_and_revoked(desk: Client) -> None:
    day = (clock.now() + timedelta(days=30)).date().isoformat()
    form = {"name": "SAP", "site": "", "scopes": ["items:write"], "expires_at_0": day, "expires_at_1": "12:00"}
    page = desk.post("/admin/erp_sync/apitoken/add/", form, follow=True).content.decode()
    token = ApiToken.objects.get()
    assert token.created_by_id is not None
    secret = page[page.index("mfg_") :][:42]
    assert Client().get("/api/v1/items/", headers={"Authorization": f"Bearer {secret}"}).status_code == 403
    assert secret not in desk.get(f"/admin/erp_sync/apitoken/{token.pk}/change/").content.decode()
    desk.post("/admin/erp_sync/apitoken/", {"action": "revoke", "_selected_action": [token.pk]})
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_refused_messages_are_read_and_not_written(desk: Client) -> None:
    make_system().post("items/", "{")
    row = RefusedMessage.objects.get()
    assert "/api/v1/items/" in desk.get("/admin/erp_sync/refusedmessage/").content.decode()
    assert desk.get(f"/admin/erp_sync/refusedmessage/{row.pk}/change/").status_code == 200
    assert desk.post(f"/admin/erp_sync/refusedmessage/{row.pk}/change/", {"body": "x"}).status_code == 403
