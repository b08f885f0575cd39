"""What a signal means, by the mappings of its source: pure, so that a page can try it and a bench can hurry it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from typing import Any, NamedTuple, NoReturn
from uuid import UUID, uuid4

from apps.equipment.models.signals import Doubt, Meaning, SignalMapping

# A signal says one thing: what is longer is no signal.
MOST_BYTES = 8 * 1024
MOST_AT_ONCE = Decimal(10) ** 9
# From here on a number is milliseconds since 1970, not seconds.
MILLISECONDS_FROM = 10**11
KNOWN_TAGS = 10_000
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")

Path = tuple[str | int, ...]


class Raw(NamedTuple):
    """A signal as it came: `at` its own time where the transport carries one, `number` its own where it has one."""

    tag: str
    payload: Any
    received_at: datetime
    at: datetime | None = None
    number: str = ""
    doubt: Doubt | None = None


class Meant(NamedTuple):
    """One thing that a signal says. `digest` names a count, so that it counts once; `value` is what it means."""

    rule: Rule
    at: datetime
    value: str
    quantity: Decimal
    digest: UUID | None


class Doubtful(NamedTuple):
    raw: Raw
    doubt: Doubt
    at: datetime | None


@dataclass(frozen=True)
class Rule:
    """A mapping, ready to be used; `choices` maps to states, or to ids of reasons as text."""

    mapping_id: int
    work_unit_id: int
    meaning: str
    value_path: Path
    time_path: Path
    id_path: Path
    choices: dict[str, str]
    counter: str
    is_running: bool
    skew: timedelta
    oldest: timedelta


@dataclass
class Rules:
    """Of one source, found by tag."""

    source_id: int
    exact: dict[str, list[Rule]] = field(default_factory=dict)
    patterns: list[tuple[list[str], Rule]] = field(default_factory=list)
    _found: dict[str, Sequence[Rule]] = field(default_factory=dict)

    def add(self, tag: str, rule: Rule) -> None:
        levels = tag.split("/")
        if "+" in levels or levels[-1] == "#":
            self.patterns.append((levels, rule))
        else:
            self.exact.setdefault(tag, []).append(rule)

    def of(self, tag: str) -> Sequence[Rule]:
        found = self._found.get(tag)
        if found is None:
            levels = tag.split("/")
            found = [*self.exact.get(tag, ()), *(rule for pattern, rule in self.patterns if fits(pattern, levels))]
            if len(self._found) < KNOWN_TAGS:
                self._found[tag] = found
        return found


def fits(pattern: Sequence[str], levels: Sequence[str]) -> bool:
    """As MQTT has it: "+" is one level, a last "#" all that follow, none included."""
    if pattern[-1] == "#":
        pattern, levels = pattern[:-1], levels[: len(pattern) - 1]
    return len(pattern) == len(levels) and all(
        wanted in ("+", found) for wanted, found in zip(pattern, levels, strict=True)
    )


def rule_of(mapping: SignalMapping, choices: dict[str, str], *, skew_seconds: int, oldest_hours: int) -> Rule:
    return Rule(
        mapping_id=mapping.pk,
        work_unit_id=mapping.work_unit_id,
        meaning=mapping.meaning,
        value_path=path_of(mapping.value_path),
        time_path=path_of(mapping.time_path),
        id_path=path_of(mapping.id_path),
        choices=choices,
        counter=mapping.counter,
        is_running=mapping.is_running,
        skew=timedelta(seconds=skew_seconds),
        oldest=timedelta(hours=oldest_hours),
    )


def path_of(text: str) -> Path:
    """ "data.items[0].v" -> ("data", "items", 0, "v")."""
    return tuple(name or int(index) for name, index in _STEP.findall(text))


def decoded(tag: str, content: bytes, received_at: datetime) -> Raw:
    """Of what a broker carries; what is no JSON, or too long, is a doubt."""
    if len(content) > MOST_BYTES:
        return Raw(tag, content[:400].decode("utf-8", "replace"), received_at, doubt=Doubt.TOO_BIG)
    try:
        payload = json.loads(content, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return Raw(tag, content[:400].decode("utf-8", "replace"), received_at, doubt=Doubt.NOT_READABLE)
    return Raw(tag, payload, received_at)


def meanings(rules: Rules, raw: Raw) -> Iterable[Meant | Doubtful]:
    """What the mappings make of it, one after the other; a signal that none is for is a doubt."""
    if raw.doubt is not None:
        yield Doubtful(raw, raw.doubt, raw.at)
        return
    own = rules.of(raw.tag)
    if not own:
        yield Doubtful(raw, Doubt.NO_MAPPING, raw.at)
    for rule in own:
        try:
            yield _meant(rules.source_id, rule, raw)
        except _NoSense as sense:
            yield Doubtful(raw, sense.doubt, sense.at)


class _NoSense(Exception):
    def __init__(self, doubt: Doubt, at: datetime | None = None) -> None:
        super().__init__(doubt)
        self.doubt, self.at = doubt, at


def _meant(source_id: int, rule: Rule, raw: Raw) -> Meant:
    said = raw.at
    if said is None and rule.time_path:
        said = time_of(_at(raw.payload, rule.time_path))
        if said is None:
            raise _NoSense(Doubt.BAD_TIME)
    at = _bounded(rule, said, raw.received_at)
    value = _at(raw.payload, rule.value_path)
    if rule.meaning == Meaning.COUNT:
        quantity = _quantity(value, at)
        number = raw.number or (_text(_at(raw.payload, rule.id_path)) if rule.id_path else "")
        origin = f"{source_id}|{raw.tag}|{rule.mapping_id}"
        # Without a time or a number of its own nothing tells it from the next one: it counts whenever it comes.
        digest = _digest(origin, number, said or at, quantity) if said or number else uuid4()
        return Meant(rule, at, "", quantity, digest)
    text = _text(value)
    meaning = rule.choices.get(text) or rule.choices.get("*")
    if not meaning:
        raise _NoSense(Doubt.BAD_VALUE, at)
    return Meant(rule, at, meaning, Decimal(0), None)


def _bounded(rule: Rule, said: datetime | None, received_at: datetime) -> datetime:
    """A clock that is a little ahead counts as of now."""
    if said is None:
        return received_at
    if said > received_at + rule.skew:
        raise _NoSense(Doubt.IN_THE_FUTURE, said)
    if said < received_at - rule.oldest:
        raise _NoSense(Doubt.TOO_OLD, said)
    return min(said, received_at)


def time_of(value: Any) -> datetime | None:
    """ISO 8601 with an offset, or seconds or milliseconds since 1970; None for anything else."""
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
            return found.astimezone(UTC) if found.tzinfo else None
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            return None
        thousandth = 1000 if value >= MILLISECONDS_FROM else 1
        return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(value * (1_000_000 // thousandth)))
    except (ValueError, OverflowError, InvalidOperation):
        return None


def _at(payload: Any, path: Path) -> Any:
    found = payload
    for step in path:
        if isinstance(step, str) and isinstance(found, dict):
            found = found.get(step)
        elif isinstance(step, int) and isinstance(found, list) and step < len(found):
            found = found[step]
        else:
            return None
    return found


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value.normalize(), "f") if value.is_finite() and abs(value.adjusted()) < 30 else ""
    return str(value) if isinstance(value, str | int | float) else ""


def _quantity(value: Any, at: datetime) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise _NoSense(Doubt.BAD_VALUE, at)
    quantity = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    if not (quantity.is_finite() and 0 <= quantity <= MOST_AT_ONCE):
        raise _NoSense(Doubt.BAD_VALUE, at)
    return quantity.quantize(Decimal("0.000001"))


def _digest(origin: str, number: str, at: datetime, quantity: Decimal) -> UUID:
    """By its number, else by its time and value. Those of a minute lie together in the index where they have a time."""
    name = f"{origin}|{number or f'{at.timestamp():.6f}|{quantity}'}"
    digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    minute = b"" if number else int(at.timestamp() // 60 % 2**32).to_bytes(4, "big")
    return UUID(bytes=minute + digest[len(minute) :])


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
