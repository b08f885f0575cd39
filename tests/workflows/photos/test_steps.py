"""A picture is taken for an item, given to a step, and stays with it; what no step has used goes after a day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import ProtectedError

from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.core.models import LedgerEvent
from apps.workflows.exits import exits
from apps.workflows.models import Photo, PhotoUse, SignedStep
from apps.workflows.photos.commands import MOST_AT_ONCE, Taken, take_photo
from apps.workflows.tasks import PHOTOS_WAIT, prune_photos
from tests.workflows.photos.pictures import HEIC, picture
from tests.workflows.test_signatures import TWO, Signers
from tests.workflows.testapp.models import Thing
from tests.workflows.workshop import Shop, make_shop, move, refused, typed
from tests.world import actor_of, give_role, ledger, make_person, make_site, run

pytestmark = pytest.mark.django_db
SHOT = typed("shot", "photo", at_most=2)


@pytest.fixture
def shop() -> Shop:
    return make_shop(complete={"inputs": [SHOT, typed("remark", "text", required=False)]})


def later(passed: timedelta) -> None:
    clock.move_to(clock.now() + passed)


def taken(who: Any, thing: Thing, **more: Any) -> Taken:
    answer: Taken = run(take_photo, who, item_kind="thing", item_id=thing.pk, picture=picture(**more))
    return answer


def test_a_step_with_a_picture_keeps_it_by_number_and_content(shop: Shop) -> None:
    thing = shop.thing("running")
    shot = taken(shop.olga, thing)
    photo = Photo.objects.get()
    assert (photo.site_id, photo.item_kind, photo.item_id) == (shop.site_id, "thing", thing.pk)
    assert (photo.taken_by_id, photo.width, photo.height) == (shop.olga.pk, 640, 480)
    assert shot.reference == f"{photo.pk}:{photo.sha256}"
    assert move(shop.olga, thing, "complete", shot=[shot.reference]).state == "completed"
    event = LedgerEvent.objects.filter(kind="workflows.state_changed").latest("id")
    assert event.data["inputs"] == {"shot": [shot.reference]}
    use = PhotoUse.objects.get()
    assert (use.photo_id, use.edge, use.name, use.event_id) == (photo.pk, "complete", "shot", event.pk)
    (told,) = ledger("workflows.photo_taken")
    assert (told.subject_kind, told.subject_id, told.data["sha256"]) == ("thing", str(thing.pk), photo.sha256)


def test_as_many_as_the_step_asks_for_and_no_more(shop: Shop) -> None:
    thing = shop.thing("running")
    shots = [taken(shop.olga, thing).reference for _each in range(3)]
    assert "at most 2 pictures" in refused(shop.olga, thing, "complete", {"shot": shots}).sentence
    assert refused(shop.olga, thing, "complete", {"shot": [shots[0], shots[0]]}).code == "input_wrong"
    assert refused(shop.olga, thing, "complete", {"shot": []}).code == "input_missing"
    assert refused(shop.olga, thing, "complete").code == "input_missing"
    assert move(shop.olga, thing, "complete", shot=shots[:2]).state == "completed"
    assert PhotoUse.objects.count() == 2


@pytest.mark.parametrize(
    "given",
    [
        "7",
        7,
        True,
        {"id": 7},
        [7],
        ["7"],
        ["7:abc"],
        ["0:" + "a" * 64],
        ["7:" + "a" * 64 + "\n"],
        [["7"]],
        ["/etc/passwd"],
    ],
)
def test_what_is_no_picture_of_ours_is_refused(shop: Shop, given: Any) -> None:
    assert refused(shop.olga, shop.thing("running"), "complete", {"shot": given}).code in {"input_wrong", "photo_gone"}


def test_a_picture_of_another_thing_or_of_other_content_or_none_at_all_is_refused(shop: Shop) -> None:
    thing, other = shop.thing("running"), shop.thing("running")
    foreign = taken(shop.olga, other)
    own = taken(shop.olga, thing)
    for reference in (foreign.reference, f"{own.photo_id}:{'a' * 64}", f"999999:{'a' * 64}"):
        refusal = refused(shop.olga, thing, "complete", {"shot": [reference]})
        assert (refusal.code, refusal.facts) == ("photo_gone", {"input": "shot"})
    assert not PhotoUse.objects.exists()


def test_a_guard_asks_whether_there_is_a_picture() -> None:
    condition = {"field": "inputs.shot", "operator": "not empty", "sentence": {"en": "Small ones need a picture."}}
    shop = make_shop(complete={"inputs": [{**SHOT, "required": False}], "conditions": [condition]})
    thing = shop.thing("running")
    assert refused(shop.olga, thing, "complete").sentence == "Small ones need a picture."
    assert move(shop.olga, thing, "complete", shot=[taken(shop.olga, thing).reference]).state == "completed"


def test_who_may_take_no_step_takes_no_picture(shop: Shop) -> None:
    thing = shop.thing("running")
    elsewhere = make_person("otto")
    give_role(elsewhere, "operator", make_site("S2"))
    for who, code in [(shop.olaf, "not_allowed"), (elsewhere, "not_allowed"), (Actor(terminal_id=1), "nobody")]:
        with pytest.raises(CommandRefused) as caught:
            taken(who, thing)
        assert caught.value.code == code
    assert not Photo.objects.exists()


def test_a_picture_of_nothing_is_refused(shop: Shop) -> None:
    for kind, item in [("thing", 999_999), ("no_such", 1), ("", 1)]:
        with pytest.raises(CommandRefused) as caught:
            run(take_photo, shop.olga, item_kind=kind, item_id=item, picture=picture())
        assert caught.value.code in {"not_found", "unknown_kind"}


def test_what_is_no_picture_leaves_a_refusal_and_nothing_of_the_file(shop: Shop) -> None:
    with pytest.raises(CommandRefused, match="HEIC"):
        run(take_photo, shop.olga, item_kind="thing", item_id=shop.thing().pk, picture=HEIC)
    assert not Photo.objects.exists()
    event = LedgerEvent.objects.latest("id")
    assert event.kind == "core.command_refused" or "refus" in event.kind
    assert "ftyp" not in str(event.data)
    assert "picture" not in event.data.get("inputs", {})


def test_the_same_act_twice_is_one_picture(shop: Shop) -> None:
    thing, act = shop.thing("running"), uuid4()
    given = {"item_kind": "thing", "item_id": thing.pk, "picture": picture()}
    first, second = (take_photo(actor_of(shop.olga), act, **given) for _each in range(2))
    assert first == second
    assert Photo.objects.count() == 1
    with pytest.raises(CommandRefused) as caught:
        take_photo(actor_of(shop.olga), act, **{**given, "picture": picture("PNG")})
    assert caught.value.code == "command_id_reused"


def test_nobody_fills_the_store_in_a_moment(shop: Shop) -> None:
    thing = shop.thing("running")
    first = taken(shop.olga, thing, size=(40, 30))
    row = Photo.objects.values("site_id", "sha256", "width", "height", "taken_at", "content", "thumbnail").get()
    Photo.objects.bulk_create(
        Photo(item_kind="thing", item_id=thing.pk, taken_by_id=shop.olga.pk, **row) for _each in range(MOST_AT_ONCE - 1)
    )
    with pytest.raises(CommandRefused) as caught:
        taken(shop.olga, thing)
    assert (caught.value.code, first.photo_id > 0) == ("too_many_photos", True)
    assert taken(shop.lena, thing).photo_id, "somebody else is not kept from it"
    later(timedelta(minutes=11))
    assert taken(shop.olga, thing).photo_id


class TestWhatIsSigned:
    def test_stays_though_the_step_comes_to_nothing(self) -> None:
        signers = Signers(inputs=[SHOT], signature=TWO)
        thing = signers.shop.thing("running")
        shot = taken(signers.ines, thing)
        assert not signers.sign(signers.ines, thing, shot=[shot.reference]).is_taken
        assert SignedStep.objects.get().inputs == {"shot": [shot.reference]}
        (way,) = [
            way for way in exits(Thing.objects.get(pk=thing.pk), actor_of(signers.iris)) if way.code == "complete"
        ]
        assert way.signature is not None
        assert way.signature.photos == (("Shot", (shot.photo_id,)),)
        assert way.signature.entered == ()
        assert PhotoUse.objects.get().event_id is None
        later(timedelta(days=3))
        assert prune_photos.run() == 0
        assert signers.sign(signers.iris, thing).is_taken
        assert PhotoUse.objects.filter(event_id__isnull=False).count() == 1


class TestWhatNoStepHasUsed:
    def test_goes_after_a_day_and_the_rest_stays(self, shop: Shop) -> None:
        thing = shop.thing("running")
        used, unused = taken(shop.olga, thing), taken(shop.olga, thing)
        move(shop.olga, thing, "complete", shot=[used.reference])
        assert prune_photos.run() == 0
        later(PHOTOS_WAIT + timedelta(minutes=1))
        assert prune_photos.run() == 1
        assert [photo.pk for photo in Photo.objects.get_queryset()] == [used.photo_id]
        assert unused.photo_id != used.photo_id

    def test_is_refused_by_a_step_that_comes_too_late(self, shop: Shop) -> None:
        thing = shop.thing("running")
        late = taken(shop.olga, thing)
        later(PHOTOS_WAIT + timedelta(minutes=1))
        prune_photos.run()
        assert "Take it again" in refused(shop.olga, thing, "complete", {"shot": [late.reference]}).sentence


class TestInTheDatabase:
    def test_a_picture_never_changes(self, shop: Shop) -> None:
        taken(shop.olga, shop.thing("running"))
        for change in (
            "UPDATE workflows_photo SET content = 'x'",
            "UPDATE workflows_photo SET item_id = 7",
            "TRUNCATE workflows_photo CASCADE",
        ):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(change)
        assert bytes(Photo.objects.values_list("content", flat=True).get())[:2] == b"\xff\xd8"

    def test_one_that_a_step_holds_can_not_go(self, shop: Shop) -> None:
        thing = shop.thing("running")
        shot = taken(shop.olga, thing)
        move(shop.olga, thing, "complete", shot=[shot.reference])
        with pytest.raises(ProtectedError):
            Photo.objects.get_queryset().delete()
        for change in (
            "DELETE FROM workflows_photo",
            "DELETE FROM workflows_photouse",
            "UPDATE workflows_photouse SET edge = 'x'",
        ):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(change)
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        assert Photo.objects.count() == 1
