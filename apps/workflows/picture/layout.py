"""Boxes and wires in rows from top to bottom, lines at right angles, every label in a place of its own.

Ours, because no library did it: those that are kept well are under copyleft or are programs outside of Python, and the
one that came close let labels overlap (docs/adr/0050-the-picture-of-a-workflow.md). Here a label is a member of its
row, as a box is, so no two of them can.
"""

from __future__ import annotations

from collections.abc import Sequence

from apps.workflows.picture.columns import assign_columns
from apps.workflows.picture.lines import draw, straighten_ends
from apps.workflows.picture.rows import arrange
from apps.workflows.picture.shapes import Box, Layout, Wire

MARGIN = 16.0


def lay_out(boxes: Sequence[Box], wires: Sequence[Wire]) -> Layout:
    """The same answer for the same input. Every wire names boxes that are there, and each source and target once."""
    rows, nets = arrange(boxes, wires)
    assign_columns(rows)
    straighten_ends(rows, nets)
    members = [member for row in rows for member in row]
    left = min((member.x - member.width / 2 for member in members), default=0.0) - MARGIN
    for member in members:
        member.x -= left
    right = max((member.x + member.width / 2 for member in members), default=0.0)
    places, routes, bottom = draw(rows, nets, wires, top=MARGIN)
    return Layout(boxes=places, routes=routes, width=right + MARGIN, height=bottom + MARGIN)
