"""The form of one edge: who, what holds it, what it asks for, who signs, what follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextareaWidget

from apps.workflows.definition import REASON, EdgeSpec, SignatureSpec
from apps.workflows.guard_limits import MAX_LENGTH
from apps.workflows.guards import INPUTS, expression_problems
from apps.workflows.inputs import VALUE_TYPES
from apps.workflows.kinds import ValueType
from apps.workflows.models.versions import Presentations
from apps.workflows.studio import choices
from apps.workflows.studio.forms import base
from apps.workflows.studio.forms.effects import EffectForm
from apps.workflows.studio.forms.guards import Askable, ConditionForm
from apps.workflows.studio.forms.inputs import InputForm
from apps.workflows.studio.room import Room

MAX_TIMES = 1_000
MAX_SIGNERS = 5


class EdgeForm(base.StudioForm):
    texts = {
        "labels": gettext_lazy("Label"),
        "expression_sentence": gettext_lazy("Sentence when the expression does not hold"),
    }
    needed_texts = frozenset({"labels"})

    def __init__(self, room: Room, data: QueryDict | None = None, *, initial: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, prefix="edge", initial={"presentation": "disabled", **(initial or {})})
        stored = self.initial
        own = {
            "code": base.code(gettext_lazy("Left empty, it is made from the label.")),
            "sources": base.some_of(gettext_lazy("From"), room.states, required=True),
            "target": base.one_of(gettext_lazy("To"), room.states),
            "roles": base.some_of(
                gettext_lazy("Roles"),
                base.with_current(room.takers, *stored.get("roles", [])),
                help_text=gettext_lazy("Any of them suffices. None: everybody who may do this kind of work there."),
            ),
            "skills": base.some_of(
                gettext_lazy("Skills"),
                base.with_current(room.skills, *stored.get("skills", [])),
                help_text=gettext_lazy("All of them are needed."),
            ),
            "partner_suffices": base.yes_no(
                gettext_lazy("A partner with the missing skills suffices"),
                help_text=gettext_lazy("Who lacks a skill may take it together with one who agrees to it on the spot."),
            ),
            "presentation": base.one_of(gettext_lazy("While it is not possible"), Presentations.choices),
            "at_most": base.whole_number(
                gettext_lazy("At most so often"),
                low=1,
                high=MAX_TIMES,
                help_text=gettext_lazy("By one item; empty: without a limit."),
            ),
            "reason_required": base.yes_no(gettext_lazy("A reason is required")),
            "reason_purpose": base.one_of(
                gettext_lazy("Reason chosen from"),
                base.with_current(room.purposes, stored.get("reason_purpose", "")),
                required=False,
                refreshes=True,
                help_text=gettext_lazy("None: a required reason is typed."),
            ),
            "expression": forms.CharField(
                label=gettext_lazy("Expression (CEL)"),
                required=False,
                max_length=MAX_LENGTH,
                widget=UnfoldAdminTextareaWidget(attrs={"rows": 2, "spellcheck": "false", "class": "studio-code"}),
                help_text=gettext_lazy("For what rows can't say. Fields by their names, inputs as inputs.name."),
            ),
        }
        self.fields = {**own, **self.fields}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if "code" in cleaned and not cleaned["code"]:
            cleaned["code"] = base.code_from(
                cleaned.get("labels_en") or next(iter(self.texts_of("labels").values()), "")
            )
            if not cleaned["code"] and "labels_en" not in self.errors:
                self.add_error("code", _("Give it a code: none can be made from this label."))
        for name in ("roles", "skills"):
            cleaned[name] = base.in_kept_order(cleaned.get(name, []), self.given.get(name) or [])
        if cleaned.get("expression") and not self.texts_of("expression_sentence"):
            self.add_error("expression_sentence_en", _("Say it in at least one language."))
        return cleaned


class SignatureForm(base.StudioForm):
    """Its other fields count, and are shown, only while `wanted` is ticked."""

    texts = {"meaning": gettext_lazy("What is signed")}

    def __init__(self, room: Room, data: QueryDict | None = None, *, initial: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, prefix="signature", initial={"signers": 1, "credentials": True, **(initial or {})})
        texts = self.fields
        self.fields = {"wanted": base.yes_no(gettext_lazy("This step is signed"), refreshes=True)}
        if self.current("wanted"):
            self.needed_texts = frozenset({"meaning"})
            others = base.with_current(room.edges, *self.initial.get("not_same_as", []))
            self.fields |= {
                **texts,
                "signers": base.whole_number(gettext_lazy("Different people"), low=1, high=MAX_SIGNERS, required=True),
                "not_same_as": base.some_of(
                    gettext_lazy("Nobody who has taken or signed"),
                    others,
                    help_text=gettext_lazy("For the same item."),
                ),
                "credentials": base.yes_no(gettext_lazy("With badge and PIN again")),
            }
        else:
            self.texts = {}

    @property
    def variant(self) -> str:
        return "wanted" if self.current("wanted") else ""

    def spec(self) -> SignatureSpec | None:
        """After is_valid()."""
        cleaned = self.cleaned_data
        if not cleaned["wanted"]:
            return None
        return SignatureSpec(
            meaning=self.texts_of("meaning"),
            signers=cleaned["signers"],
            not_same_as=cleaned["not_same_as"],
            credentials=cleaned["credentials"],
        )


class EdgeForms:
    """All of one edge. `data`: what was sent; else it is shown as `edge` has it, or empty but for its `source`."""

    def __init__(
        self, room: Room, edge: EdgeSpec | None = None, *, source: str = "", data: QueryDict | None = None
    ) -> None:
        self.room = room
        stored: dict[str, Any] = edge.model_dump(mode="json") if edge else {"sources": [source] if source else []}
        signed = stored.get("signature")
        self.main = EdgeForm(room, data, initial=stored)
        self.signature = SignatureForm(room, data, initial={**signed, "wanted": True} if signed else None)
        self.inputs = base.Rows("inputs", partial(InputForm, room), data=data, initial=stored.get("inputs", ()))
        self.effects = base.Rows("effects", EffectForm, data=data, initial=stored.get("effects", ()))
        self.conditions = base.Rows(
            "conditions", partial(ConditionForm, self._askable()), data=data, initial=stored.get("conditions", ())
        )

    def typed(self, rows: str = "", act: str = "", at: int = 0) -> EdgeForms:
        """The same as typed and not judged, with one row of `rows` added, removed or moved."""
        made = EdgeForms.__new__(EdgeForms)
        made.room = self.room
        made.main = EdgeForm(self.room, initial=self.main.typed())
        made.signature = SignatureForm(self.room, initial=self.signature.typed())
        for name in ("inputs", "effects", "conditions"):
            changed: base.Rows[Any] = getattr(self, name)
            setattr(made, name, changed.typed(*((act, at) if name == rows else ())))
        return made

    def is_valid(self) -> bool:
        parts: list[base.Judged] = [self.main, self.signature, self.inputs, self.effects, self.conditions]
        return base.all_valid(parts) and self._agree()

    def _agree(self) -> bool:
        """What no form can say alone."""
        names: list[str] = [REASON] if self._has_reason() else []
        own = self.room.kind.own_inputs if self.room.kind else frozenset()
        for form in self.inputs.forms:
            name = form.cleaned_data["name"]
            if name in names:
                form.add_error("name", _("There is an input %(name)s already.") % {"name": name})
            if name in own:
                form.add_error("name", _("%(name)s is the system's own: choose another name.") % {"name": name})
            names.append(name)
        expression = self.main.cleaned_data["expression"]
        if expression:
            for problem in expression_problems(expression, self.room.fields, self._own_inputs()):
                self.main.add_error("expression", problem)
        return not self.main.errors and not any(form.errors for form in self.inputs.forms)

    def spec(self) -> EdgeSpec:
        """After is_valid()."""
        cleaned = self.main.cleaned_data
        names = (
            "code", "sources", "target", "roles", "skills", "partner_suffices", "presentation", "at_most",
            "reason_required", "reason_purpose", "expression",
        )  # fmt: skip
        return EdgeSpec(
            labels=self.main.texts_of("labels"),
            expression_sentence=self.main.texts_of("expression_sentence"),
            conditions=[form.spec() for form in self.conditions.forms],
            inputs=[form.spec() for form in self.inputs.forms],
            effects=[form.spec() for form in self.effects.forms],
            signature=self.signature.spec(),
            **{name: cleaned[name] for name in names},
        )

    def _has_reason(self) -> bool:
        return bool(self.main.current("reason_required") or self.main.current("reason_purpose"))

    def _own_inputs(self) -> dict[str, ValueType]:
        """As they stand in the form now, the reason among them."""
        named = [form.named for form in self.inputs.forms]
        if self._has_reason():
            named.append((REASON, "choice"))
        return {name: VALUE_TYPES[type_] for name, type_ in named if name and type_ in VALUE_TYPES}

    def _askable(self) -> dict[str, Askable]:
        found = {
            name: Askable(field.type, f"{field.label} ({name})", partial(self.room.seen, name))
            for name, field in self.room.fields.items()
        }
        purposes = {form.named[0]: form.purpose for form in self.inputs.forms}
        purposes[REASON] = str(self.main.current("reason_purpose") or "")
        for name, type_ in self._own_inputs().items():
            label = _("what is entered: %(name)s") % {"name": name}
            found[f"{INPUTS}.{name}"] = Askable(type_, label, partial(_reason_codes, purposes.get(name, "")))
        return found


def _reason_codes(purpose: str) -> Sequence[str]:
    return [code for code, __ in choices.reasons_for(purpose)] if purpose else []
