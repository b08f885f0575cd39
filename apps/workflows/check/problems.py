"""What a check says: a sentence, its weight, and the place in the workflow that it is about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """An error keeps a version from being published."""

    ERROR = "error"
    WARNING = "warning"


class Part(StrEnum):
    WORKFLOW = "workflow"
    STATE = "state"
    EDGE = "edge"
    RULE = "rule"


class Fault(StrEnum):
    """Stable names of what can be wrong; pages and tests go by them, sentences may change."""

    UNKNOWN_KIND = "unknown_kind"
    CODE_TWICE = "code_twice"
    UNKNOWN_STATE = "unknown_state"
    EDGE_TWICE = "edge_twice"
    INITIAL_STATES = "initial_states"
    NO_FINAL_STATE = "no_final_state"
    FINAL_WITH_EXITS = "final_with_exits"
    UNREACHABLE = "unreachable"
    DEAD_END = "dead_end"
    GATE_BYPASSED = "gate_bypassed"
    UNKNOWN_STATUS = "unknown_status"
    WRONG_STATUS = "wrong_status"
    WRONG_KIND = "wrong_kind"
    WRONG_PHASE = "wrong_phase"
    STATUS_MOVE = "status_move"
    UNKNOWN_ROLE = "unknown_role"
    UNKNOWN_SKILL = "unknown_skill"
    PARTNER_WITHOUT_SKILLS = "partner_without_skills"
    NO_PARTNERS = "no_partners"
    UNKNOWN_PURPOSE = "unknown_purpose"
    NOBODY_MAY = "nobody_may"
    HOLD_WITHOUT_ROLE = "hold_without_role"
    HOLD_WITHOUT_DISPOSITION = "hold_without_disposition"
    INPUT_TWICE = "input_twice"
    INPUT_OF_SYSTEM = "input_of_system"
    INPUT_WITHOUT_REASONS = "input_without_reasons"
    INPUT_BOUNDS = "input_bounds"
    REASONS_EMPTY = "reasons_empty"
    UNKNOWN_FIELD = "unknown_field"
    SENSELESS_CONDITION = "senseless_condition"
    WRONG_EXPRESSION = "wrong_expression"
    GUARD_WITHOUT_SENTENCE = "guard_without_sentence"
    UNKNOWN_EFFECT = "unknown_effect"
    EFFECT_PARAMETERS = "effect_parameters"
    EFFECT_OUT_OF_PLACE = "effect_out_of_place"
    KIND_UNSIGNED = "kind_unsigned"
    SIGNATURE_WITHOUT_MEANING = "signature_without_meaning"
    SIGNATURE_OF_SYSTEM = "signature_of_system"
    SIGNATURE_UNKNOWN_EDGE = "signature_unknown_edge"
    TOO_FEW_SIGNERS = "too_few_signers"
    SIGNATURE_IMPOSSIBLE = "signature_impossible"
    NO_OWNER = "no_owner"
    ONE_SIGNER = "one_signer"
    NO_SIGNER = "no_signer"
    NO_ROSTER = "no_roster"
    NOT_ROSTERED = "not_rostered"
    ENDLESS_LOOP = "endless_loop"
    SAME_LABEL = "same_label"
    AMBIGUOUS = "ambiguous"
    UNTRANSLATED = "untranslated"
    UNKNOWN_SITE = "unknown_site"
    UNKNOWN_LINE = "unknown_line"
    UNKNOWN_VALUE = "unknown_value"
    CLAIMED = "claimed"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """
    code   a Fault, or what else is checked calls it
    field  what of the state or edge it is about, as in its spec ("roles"); empty: the whole
    """

    code: str
    severity: Severity
    part: Part
    name: str = ""
    field: str = ""
    sentence: str

    @property
    def where(self) -> str:
        """ "workflow", "state held" or "edge release"."""
        return f"{self.part} {self.name}".strip()

    @property
    def show(self) -> str:
        """Where a page shows it: "", "state/held" or "edge/release/roles"."""
        return "/".join(filter(None, [self.part, self.name, self.field])) if self.name else ""

    @property
    def is_error(self) -> bool:
        return self.severity == Severity.ERROR

    def __str__(self) -> str:
        return f"{self.where}: {self.sentence}"


def errors_in(problems: Iterable[Problem]) -> list[Problem]:
    return [problem for problem in problems if problem.is_error]


class Place(NamedTuple):
    """A state, an edge or the workflow, saying what is wrong with it."""

    part: Part = Part.WORKFLOW
    name: str = ""

    def error(self, code: str, sentence: str, field: str = "") -> Problem:
        return self._problem(Severity.ERROR, code, sentence, field)

    def warning(self, code: str, sentence: str, field: str = "") -> Problem:
        return self._problem(Severity.WARNING, code, sentence, field)

    def _problem(self, severity: Severity, code: str, sentence: str, field: str) -> Problem:
        return Problem(
            code=code, severity=severity, part=self.part, name=self.name, field=field, sentence=str(sentence)
        )


WORKFLOW = Place()


def state(code: str) -> Place:
    return Place(Part.STATE, code)


def edge(code: str) -> Place:
    return Place(Part.EDGE, code)
