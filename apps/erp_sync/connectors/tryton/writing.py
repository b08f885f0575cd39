"""What all postings share: errors become answers, conflicts are tried again, a button's answer is never believed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from apps.erp_sync.connectors.postings import FixableBy, PostingResult, Rejected, Unknown
from apps.erp_sync.connectors.tryton.books import Books, RejectedError
from apps.erp_sync.connectors.tryton.client import (
    ConflictError,
    MisuseError,
    NotPermittedError,
    RefusedError,
    StaleRecordError,
    TrytonError,
)

# Warnings that a person would always answer with yes. An order that gave a component back has two output items, so
# Tryton wants list prices to share the cost by; without them it puts the whole cost on the order's own item: right.
ACKNOWLEDGED = (".production_missing_list_price",)
# Each try reads everything anew, so trying again after a conflict is safe.
PAUSES = (0.0, 0.05, 0.2, 0.6, 1.5)


def answered(step: Callable[[], PostingResult]) -> PostingResult:
    """Runs a posting and turns whatever Tryton or the network did into an answer."""
    try:
        return _settled(step)
    except RejectedError as error:
        return error.answer
    except NotPermittedError as error:
        return Rejected("not permitted", str(error), FixableBy.INTEGRATION)
    except RefusedError as error:
        return Rejected("refused", str(error), FixableBy.PLANNER)
    except MisuseError as error:
        return Rejected("misuse", str(error), FixableBy.INTEGRATION)
    except TrytonError as error:
        return Unknown(str(error))


def _settled(step: Callable[[], PostingResult]) -> PostingResult:
    last = ""
    for pause in PAUSES:
        time.sleep(pause)
        try:
            return step()
        except (StaleRecordError, ConflictError) as error:
            last = str(error)
    return Unknown(f"somebody else keeps changing it: {last}")


def press(books: Books, model: str, record: int, button: str, context: Mapping[str, Any] | None = None) -> None:
    """Presses a button. Whether it did anything must be read back.

    Raises RefusedError if Tryton refuses, RejectedError if it wants to open a dialog in place of acting: then it
    answered 200 and did nothing. A fence in the context that no longer holds raises StaleRecordError: Tryton looks at
    the button's states first, so a late request of ours that was quicker would pass for a refusal.
    """
    try:
        result = books.client.call(f"model.{model}.{button}", [record], context=context)
    except RefusedError as refusal:
        if context and books.one(model, record, [])["_timestamp"] not in context["_timestamp"].values():
            raise StaleRecordError(str(refusal)) from refusal
        if not refusal.warning.endswith(ACKNOWLEDGED):
            raise
        books.client.call("model.res.user.warning.skip", refusal.warning)
        result = books.client.call(f"model.{model}.{button}", [record], context=context)
    if isinstance(result, dict) and result.get("type", "").startswith("ir.action"):
        asks = result.get("wiz_name") or result.get("name") or "a dialog"
        owner = FixableBy.QUALITY if str(asks).startswith("quality") else FixableBy.PLANNER
        raise RejectedError("dialog", f"Tryton asks for {asks} before {button}.", owner)
