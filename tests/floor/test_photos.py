"""A picture on its way from the tablet into a step, and who gets to see it."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.core.models import LedgerEvent
from apps.plant.access import LAST_ACT
from apps.workflows.models import Photo, PhotoUse
from apps.workflows.photos.reading import MAX_BYTES
from tests.floor.signed_shop import BADGE, Content, SignedShop, by_code, first_article, make_signed_shop, typed
from tests.orders.shop import make_job
from tests.test_access import SHIPPED, at_desk
from tests.workflows.photos.pictures import HEIC, SVG, picture
from tests.world import give_role, make_person, make_site

pytestmark = pytest.mark.django_db
SHOT = typed("shot", "photo", "First piece", at_most=2)


def first_piece_with_a_picture() -> Callable[[Content], None]:
    def change(content: Content) -> None:
        by_code(content, "start")["inputs"] = [SHOT, typed("remark", "text", "Remark", required=False)]

    return change


@pytest.fixture
def shop() -> SignedShop:
    shop = make_signed_shop(first_piece_with_a_picture())
    shop.at("set_up")
    return shop


def send(
    client: Client, shop: SignedShop, content: bytes, *, kind: str = "job_order", act: str = ""
) -> tuple[int, str]:
    answer = client.post(
        f"/photos/take/{kind}/{shop.job.pk}/",
        content,
        content_type="application/octet-stream",
        headers={"X-Command-Id": act or str(uuid4())},
    )
    return answer.status_code, answer.content.decode()


def taken(client: Client, shop: SignedShop) -> str:
    answer = client.post(f"/photos/take/job_order/{shop.job.pk}/", picture(), content_type="image/jpeg")
    assert answer.status_code == 200
    assert answer.json()["small"] == f"/photos/{Photo.objects.latest('pk').pk}/small/"
    return str(answer.json()["reference"])


def test_the_operator_takes_a_picture_and_then_the_step(shop: SignedShop) -> None:
    client = shop.tablet()
    before = client.session[LAST_ACT]
    body = client.get("/station/S1/A33/panel/").content.decode()
    assert f'data-post="/photos/take/job_order/{shop.job.pk}/"' in body
    assert "First piece: up to 2 pictures" in body
    assert 'capture="environment"' in body
    reference = taken(client, shop)
    assert client.session[LAST_ACT] > before, "who takes a picture is at the station"
    status, _body = shop.post(client, "take-edge", "start", photo__shot=[reference], input__remark="fine")
    assert (status, shop.reload().state) == (200, "running")
    photo = Photo.objects.get()
    assert (photo.taken_by_id, photo.terminal_id, photo.site_id) == (
        *(shop.world.olga.pk, shop.terminal.pk),
        shop.world.site.pk,
    )
    event = LedgerEvent.objects.filter(kind="workflows.state_changed").latest("id")
    assert event.data["inputs"] == {"shot": [reference]}


def test_a_step_without_its_picture_says_what_is_missing(shop: SignedShop) -> None:
    status, body = shop.post(shop.tablet(), "take-edge", "start", photo__shot=[])
    assert (status, "Please give: First piece." in body, shop.reload().state) == (409, True, "setting_up")


def test_what_was_sent_twice_because_the_answer_was_lost_is_one_picture(shop: SignedShop) -> None:
    client, act = shop.tablet(), str(uuid4())
    first, second = (send(client, shop, picture(), act=act) for _each in range(2))
    assert first == second
    assert (first[0], Photo.objects.count()) == (200, 1)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "This is no picture"),
        (SVG, "This is no picture"),
        (HEIC, "HEIC"),
        (picture()[:900], "damaged"),
        (bytes(MAX_BYTES + 1), "at most 20 MB"),
    ],
    ids=["nothing", "svg", "heic", "cut off", "too large"],
)
def test_what_is_no_picture_is_refused_in_a_sentence_and_nothing_is_kept(
    shop: SignedShop, content: bytes, sentence: str
) -> None:
    status, said = send(shop.tablet(), shop, content)
    assert (status, sentence in said) == (409, True)
    assert not Photo.objects.exists()


def test_nobody_sends_a_picture_for_what_is_not_theirs(shop: SignedShop) -> None:
    stranger = make_person("olrik", is_staff=True)
    give_role(stranger, "operator", make_site("S3"))
    assert send(Client(), shop, picture())[0] == 401
    assert send(shop.tablet(badge=""), shop, picture()) == (
        409,
        "The screen has locked itself. Sign in and take the picture once more.",
    )
    assert send(at_desk(stranger), shop, picture())[0] == 409
    assert send(shop.tablet(), shop, picture(), kind="exception")[0] == 409
    assert send(shop.tablet(), shop, picture(), kind="no-such-kind")[0] == 409
    assert Client().get(f"/photos/take/job_order/{shop.job.pk}/").status_code == 405
    assert not Photo.objects.exists()


def test_a_page_elsewhere_can_not_send_one_in_somebodys_name(shop: SignedShop) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies.update(shop.tablet().cookies)
    answer = strict.post(f"/photos/take/job_order/{shop.job.pk}/", picture(), content_type="text/plain")
    assert (answer.status_code, Photo.objects.count()) == (403, 0)


class TestWhoSeesIt:
    def test_just_whose_role_and_site_allow_it(self, shop: SignedShop) -> None:
        taken(shop.tablet(), shop)
        photo = Photo.objects.get()
        other = make_site("S3")
        for role, actions in SHIPPED.items():
            here, elsewhere = make_person(is_staff=True), make_person(is_staff=True)
            give_role(here, role, shop.world.site)
            give_role(elsewhere, role, other)
            sees = "workflows.view_photos" in actions
            assert sees == ("orders.view" in actions), role
            for end in ("", "small/"):
                assert at_desk(here).get(f"/photos/{photo.pk}/{end}").status_code == (200 if sees else 404), role
                assert at_desk(elsewhere).get(f"/photos/{photo.pk}/{end}").status_code == 404, role
            listed = at_desk(here).get("/admin/workflows/photo/")
            assert (f"/photos/{photo.pk}/small/" in listed.content.decode()) == sees, role
            assert f"/photos/{photo.pk}/" not in at_desk(elsewhere).get("/admin/workflows/photo/").content.decode()
        assert Client().get(f"/photos/{photo.pk}/").status_code == 404
        assert shop.tablet(badge="").get(f"/photos/{photo.pk}/").status_code == 404, "nobody is signed in"
        assert shop.tablet().get(f"/photos/{photo.pk}/").status_code == 200

    def test_it_is_served_as_a_picture_and_nothing_else(self, shop: SignedShop) -> None:
        client = shop.tablet()
        taken(client, shop)
        photo = Photo.objects.get()
        for end, column in (("", "content"), ("small/", "thumbnail")):
            answer = client.get(f"/photos/{photo.pk}/{end}")
            assert answer.content == bytes(Photo.objects.values_list(column, flat=True).get())
            assert answer.headers["Content-Type"] == "image/jpeg"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Content-Disposition"] == f'inline; filename="picture-{photo.pk}.jpg"'
            assert "private" in answer.headers["Cache-Control"]
            assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"

    def test_who_signs_next_sees_what_was_signed(self) -> None:
        shop = make_signed_shop(first_article(signers=2, inputs=[SHOT]))
        shop.at("set_up", "show_first")
        client = shop.tablet()
        reference = taken(client, shop)
        status, body = shop.post(client, "sign", "approve_first", photo__shot=[reference], **BADGE)
        assert (status, "one more is needed" in body) == (200, True)
        assert f'<img src="/photos/{Photo.objects.get().pk}/"' in client.get("/station/S1/A33/panel/").content.decode()
        status, _body = shop.post(client, "sign", "approve_first", badge="badge-iris", pin=BADGE["pin"])
        assert (status, shop.reload().state) == (200, "running")
        assert [use.event_id is None for use in PhotoUse.objects.order_by("pk")] == [True, False]


def test_the_page_of_pictures_names_item_step_and_person_whatever_their_number(shop: SignedShop) -> None:
    client = shop.tablet()
    reference = taken(client, shop)
    shop.post(client, "take-edge", "start", photo__shot=[reference])
    lead = make_person("lola", is_staff=True)
    give_role(lead, "line_lead", shop.world.site)
    desk = at_desk(lead)
    body = desk.get("/admin/workflows/photo/").content.decode()
    assert "WO-7" in body
    assert "Olga" in body
    assert "start" in body
    with CaptureQueriesContext(
        connection,
    ) as few:
        desk.get("/admin/workflows/photo/")
    row = Photo.objects.values("sha256", "width", "height", "taken_at", "content", "thumbnail", "taken_by_id").get()
    more = [make_job(shop.world.line, shop.world.station, number=f"WO-{number}") for number in range(20, 30)]
    Photo.objects.bulk_create(Photo(site=shop.world.site, item_kind="job_order", item_id=job.pk, **row) for job in more)
    with CaptureQueriesContext(connection) as many:
        body = desk.get("/admin/workflows/photo/").content.decode()
    assert "WO-29" in body
    assert len(many) <= len(few) + 1
    assert not any('"workflows_photo"."content"' in query["sql"] for query in many)
    one = desk.get(f"/admin/workflows/photo/{Photo.objects.earliest('pk').pk}/change/").content.decode()
    assert reference.partition(":")[2] in one
