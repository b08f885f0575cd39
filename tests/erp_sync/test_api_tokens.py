"""Who may speak: the holder of a token in force, within its scopes and its site, and nobody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pydantic import SecretStr

from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.erp_sync.api.commands import create_token, revoke_token
from apps.erp_sync.api.scopes import RESOURCES
from apps.erp_sync.api.secret_texts import hash_of, looks_right, new_secret
from apps.erp_sync.models import ApiToken, RefusedMessage
from apps.materials.models import Item, Location
from tests.erp_sync.api_world import PIECE, PUMP, System, make_system
from tests.world import last_event, make_holder, make_person, make_site, run

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("tests")


def of_token(**changes: Any) -> dict[str, Any]:
    inputs = {
        "name": "SAP",
        "scopes": ["items:write"],
        "expires_at": clock.now() + timedelta(days=365),
        "secret": SecretStr(new_secret()),
    }
    return inputs | changes


def refused(answer: Any, status: int) -> None:
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == status


class TestASecret:
    def test_is_recognised_by_its_beginning_and_its_checksum(self) -> None:
        secret = new_secret()
        assert secret.startswith("mfg_")
        assert looks_right(secret)
        changed = "x" if secret[10] != "x" else "y"
        assert not looks_right(secret[:10] + changed + secret[11:])
        assert not looks_right("mfg_")

    def test_is_not_kept(self) -> None:
        system = make_system()
        kept = ApiToken.objects.filter(pk=system.token.pk).values().get()
        assert system.secret not in str(kept)
        assert kept["secret_hash"] == hash_of(system.secret)
        assert system.secret not in str(last_event().data)


class TestATokenIsRefused:
    def test_to_who_may_not_give_one(self) -> None:
        with pytest.raises(CommandRefused, match="may not"):
            run(create_token, make_person(), **of_token())

    def test_for_longer_than_a_year_or_for_the_past(self) -> None:
        for days in (366, -1):
            with pytest.raises(CommandRefused, match="365"):
                run(create_token, SYSTEM, **of_token(expires_at=clock.now() + timedelta(days=days)))

    def test_for_a_scope_that_does_not_exist(self) -> None:
        with pytest.raises(CommandRefused, match="people:write"):
            run(create_token, SYSTEM, **of_token(scopes=["people:write"]))

    def test_of_one_site_for_what_all_sites_share(self) -> None:
        with pytest.raises(CommandRefused, match="items:write"):
            run(create_token, SYSTEM, **of_token(site_id=make_site().pk))

    def test_of_all_sites_from_who_manages_one(self) -> None:
        site = make_site()
        holder = make_holder("erp.manage_tokens", place=site)
        assert run(create_token, holder, **of_token(site_id=site.pk, scopes=["stock:read"]))
        with pytest.raises(CommandRefused, match="may not"):
            run(create_token, holder, **of_token(name="other", scopes=["stock:read"]))


class TestNobodyComesIn:
    def test_without_a_token(self) -> None:
        for name in RESOURCES:
            for answer in (Client().get(f"/api/v1/{name}/"), Client().post(f"/api/v1/{name}/", {})):
                refused(answer, 401)
                assert answer.headers["WWW-Authenticate"].startswith("Bearer")

    def test_with_a_session_alone(self) -> None:
        client = Client()
        client.force_login(make_holder("materials.manage", "materials.view", is_staff=True))
        refused(client.get("/api/v1/items/"), 401)
        refused(client.get("/api/v1/schema/"), 401)
        refused(client.get("/api/v1/anything/"), 401)

    @pytest.mark.parametrize("header", ["Bearer mfg_nonsense", "Basic YTpi", "Bearer", "Bearer \u00e9", "Token x"])
    def test_with_something_else(self, header: str) -> None:
        refused(Client().get("/api/v1/items/", headers={"Authorization": header}), 401)

    def test_with_a_secret_that_was_never_given(self) -> None:
        refused(Client().get("/api/v1/items/", headers={"Authorization": f"Bearer {new_secret()}"}), 401)

    def test_after_it_has_expired(self) -> None:
        system = make_system()
        past = clock.now() - timedelta(days=40)
        ApiToken.objects.update(created_at=past, expires_at=past + timedelta(days=30))
        refused(system.get("items/"), 401)

    def test_from_the_revocation_on(self) -> None:
        system = make_system()
        assert system.get("items/").status_code == 200
        run(revoke_token, SYSTEM, token_id=system.token.pk)
        refused(system.get("items/"), 401)


class TestATokenWithout:
    def test_the_scope_reads_and_writes_nothing(self) -> None:
        system = make_system(scopes=["items:read"])
        assert system.get("items/").status_code == 200
        refused(system.get("boms/"), 403)
        refused(system.send("items", PUMP), 403)
        assert not Item.objects.exists()
        assert RefusedMessage.objects.get().status == 403

    def test_a_scope_that_was_typed_into_the_row_does_nothing_more(self) -> None:
        """items:write opens the same act as boms:write; the address still asks for its own."""
        system = make_system(scopes=["items:write"])
        refused(system.send("units", PIECE), 403)


class TestATokenOfASite:
    def test_writes_there_and_is_told_of_no_other(self) -> None:
        here, there = make_site("S1"), make_site("S2")
        system = make_system(here)
        place = {"key": "l,1", "code": "STORE", "name": "Store", "kind": "storage"}
        assert system.send("locations", place).status_code == 200
        refused(system.send("locations", {**place, "key": "l,2", "code": "B"}, site="S2"), 404)
        nowhere = system.send("locations", place, site="S9")
        refused(nowhere, 404)
        assert list(Location.objects.values_list("site__code", flat=True)) == ["S1"]
        assert not Location.objects.filter(site=there).exists()

    def test_sees_no_row_of_another(self) -> None:
        here, there = make_site("S1"), make_site("S2")
        place = {"key": "l,1", "code": "STORE", "name": "Store", "kind": "storage"}
        make_system(there).send("locations", place)
        system = make_system(here)
        assert system.get("locations/").json()["results"] == []
        refused(system.get("locations/l,1/"), 404)
        assert make_system().get("locations/l,1/").json()["site"] == "S2"

    def test_does_not_write_what_all_share_even_if_its_scopes_say_so(self) -> None:
        system: System = make_system(make_site())
        ApiToken.objects.update(scopes=["units:write"])
        refused(system.send("units", PIECE), 403)


def test_last_use_is_seen() -> None:
    system = make_system()
    assert system.token.last_used_at is None
    system.get("items/")
    system.token.refresh_from_db()
    assert system.token.last_used_at is not None
