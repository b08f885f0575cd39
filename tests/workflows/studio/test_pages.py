"""The pages of a version: who opens them, and what their header says."""

from __future__ import annotations

import re

import pytest

from apps.core import rights
from apps.workflows.commands import create_draft
from apps.workflows.models import Version
from apps.workflows.studio.tabs import PAGES
from tests.workflows.test_admin import page as text_page
from tests.workflows.test_admin import signed_in
from tests.workflows.workshop import make_shop
from tests.world import run

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    return make_shop()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_opens_with_its_right_and_with_no_other(shop, page):
    others = [code for code in rights.ACTIONS if code != page.action.code]
    _, right = signed_in("rita", page.action.code)
    _, wrong = signed_in("willy", *others)
    assert right.get(page.address(shop.version.pk)).status_code in {200, 405}
    assert wrong.get(page.address(shop.version.pk)).status_code == 403
    assert right.get(page.address(shop.version.pk + 999)).status_code == 404


@pytest.mark.parametrize("page", [page for page in PAGES if page.label], ids=lambda page: page.name)
def test_each_page_says_which_version_it_is_and_leads_to_the_others(shop, page):
    shop.thing("ready")
    pia, client = signed_in("pia", "workflows.view", "workflows.edit", page.action.code)
    draft = Version.objects.get(pk=run(create_draft, pia, version_id=shop.version.pk))
    shown = client.get(page.address(draft.pk)).content.decode()
    header = re.search(r'<header class="studio-header.*?</header>', shown, re.DOTALL)[0]
    assert "Things" in header
    assert "Version 2, draft" in header
    assert "against version 1" in header
    assert "1 in flight" in header
    assert f'href="{text_page(draft.pk)}"' in header
    assert f'href="{page.address(draft.pk)}" class="active" aria-current="page"' in header


def test_what_is_in_force_is_compared_with_nothing(shop):
    _, client = signed_in("vera", "workflows.view")
    shown = client.get(PAGES[0].address(shop.version.pk)).content.decode()
    assert "Version 1, published" in shown
    assert "against version" not in shown
