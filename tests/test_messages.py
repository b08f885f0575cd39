"""Every sentence of the product is there in German, and the file that is read says what the translated one says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.utils import translation
from django.utils.translation import gettext, ngettext

from tests import messages
from tests.environment import BASE_DIR

REMEDY = "run `make messages`, translate what is empty in locale/de, run it again"
# Words in templates that are the same in every language.
NAMES = {"mfgos", "charset", "utf"}


def test_every_sentence_has_german() -> None:
    missing = [message.id for message in messages.untranslated(messages.merged())]
    assert missing == [], REMEDY


def test_the_catalogue_holds_just_what_the_product_says() -> None:
    said = {str(message.id) for message in messages.extracted()}
    kept = {str(message.id) for message in messages.stored()}
    assert kept - said - {""} == set(), REMEDY
    assert len(said) > 900


def test_the_file_that_is_read_agrees_with_the_translated_one() -> None:
    assert messages.MO.read_bytes() == messages.as_mo(messages.stored()), REMEDY


def test_a_translation_keeps_the_placeholders() -> None:
    for message in messages.stored():
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        for source, text in zip(ids, messages.strings_of(message), strict=True) if message.id else []:
            assert sorted(messages.PLACEHOLDER.findall(text)) == sorted(messages.PLACEHOLDER.findall(source)), source
            assert text[0].isspace() == source[0].isspace(), source


def test_it_reads_as_german() -> None:
    with translation.override("de"):
        assert gettext("Scrap") == "Ausschuss"
        assert ngettext("ring: the last value", "rings: the last %(count)s values", 3).startswith("Ringe")


@pytest.mark.parametrize("template", sorted(BASE_DIR.glob("templates/**/*.html")), ids=lambda path: path.name)
def test_a_template_says_nothing_that_can_not_be_translated(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    for hidden in (
        r"{% comment %}.*?{% endcomment %}",
        r"{% block (page_class|body_data|panel_data|view) %}.*?{% endblock %}",
        r"{% blocktranslate.*?{% endblocktranslate %}",
        r"{[%{#].*?[%}#]}",
        r"<!--.*?-->",
        r"<pre.*?</pre>",
        r'<span class="material-symbols-outlined.*?</span>',
        r"""<(?:"[^"]*"|'[^']*'|[^>"'])*>""",
    ):
        text = re.sub(hidden, " ", text, flags=re.DOTALL)
    assert set(re.findall(r"[A-Za-z]{2,}", text)) - NAMES == set()
