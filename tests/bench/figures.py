"""Medians, percentiles, and how a bench says what it has found."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from statistics import median


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest rank: a value that was measured, never one in between."""
    ordered = sorted(values)
    return ordered[min(len(ordered), max(1, math.ceil(len(ordered) * percent / 100))) - 1]


def load() -> str:
    return "load {:.2f} {:.2f} {:.2f}".format(*os.getloadavg())


def compared(what: str, unit: str, product: Sequence[float], baseline: Sequence[float], name: str) -> float:
    """Prints both medians with their ranges; the answer is product / baseline."""
    ratio = median(product) / median(baseline)
    for who, values in (("mfgos", product), (name, baseline)):
        print(
            f"{what}, {who}: median {median(values):,.2f} {unit}"
            f" ({min(values):,.2f} to {max(values):,.2f}, {len(values)} runs)"
        )
    print(f"{what}: {ratio:.2f} times {name}")
    return ratio


def told(bench: str, figures: dict[str, float], bars: dict[str, str]) -> None:
    """Each figure beside its bar (`<= 150`), then the line for machines."""
    for key, value in figures.items():
        bar, holds = bars[key], meets(value, bars[key])
        print(f"{key:<24}{value:>12.2f}   bar {bar:<8} {'met' if holds else 'MISSED'}")
    print(json.dumps({"bench": bench, "figures": {key: round(value, 3) for key, value in figures.items()}}), flush=True)


def meets(value: float, bar: str) -> bool:
    comparison, limit = bar.split()
    return value <= float(limit) if comparison == "<=" else value >= float(limit)
