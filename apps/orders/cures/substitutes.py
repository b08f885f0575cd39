"""Another parts list of the product takes something else in place of what is short."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.andon.cures import Cure, Inputs, Offer, Offers, Subject, Subjects, declare
from apps.core.commands import Context
from apps.core.numbers import plain
from apps.materials.models import Bom, BomLine
from apps.materials.queries import available_of
from apps.orders.actions import SUBSTITUTE
from apps.orders.causes.shortages import SHORTAGE
from apps.orders.commands.going_on import substitute_material
from apps.orders.cures.reading import blockers, item_id_of, job_of, lock_job, parts_of, scopes_of_jobs
from apps.orders.models import Blocker, JobMaterial
from apps.plant.models import Site

# Parts list -> its lines; by product.
Lists = dict[int, dict[Bom, list[BomLine]]]


def _offers(subjects: Subjects) -> Offers:
    """Four queries, and one for each site."""
    found = subjects.once(blockers)
    lists = _lists({b.job_order.work_order.item_id for b in found.values() if b.job_order.work_order.item_id})
    used: defaultdict[int, set[int]] = defaultdict(set)
    jobs = {blocker.job_order_id for blocker in found.values()}
    for job_id, item_id in JobMaterial.objects.filter(job_order__in=jobs).values_list("job_order", "item"):
        used[job_id].add(item_id)
    others = {subject: _alternatives(blocker, lists, used[blocker.job_order_id]) for subject, blocker in found.items()}
    sites: dict[int, tuple[Site, set[int]]] = {}
    for subject, ways in others.items():
        site = found[subject].site
        sites.setdefault(site.pk, (site, set()))[1].update(line.item_id for lines in ways.values() for line in lines)
    stock = {site_id: available_of(items, site) if items else {} for site_id, (site, items) in sites.items()}
    return {
        subject: [_offer(found[subject], bom, lines, stock[found[subject].site_id]) for bom, lines in ways.items()]
        or [_none(found[subject])]
        for subject, ways in others.items()
    }


def _lists(product_ids: Collection[int]) -> Lists:
    lists: Lists = defaultdict(lambda: defaultdict(list))
    if product_ids:
        lines = BomLine.objects.filter(bom__item__in=product_ids, bom__active=True).order_by("bom", "position")
        for line in lines.select_related("bom", "item__unit"):
            lists[line.bom.item_id][line.bom].append(line)
    return lists


def _alternatives(blocker: Blocker, lists: Lists, used: set[int]) -> dict[Bom, list[BomLine]]:
    """Those that do without what is short, with the lines that would come instead."""
    job, short = blocker.job_order, item_id_of(blocker)
    found: dict[Bom, list[BomLine]] = {}
    for bom, lines in lists.get(job.work_order.item_id or 0, {}).items():
        here = [line for line in lines if line.operation_sequence in (None, job.sequence)]
        new = [line for line in here if line.item_id not in used]
        if new and short not in {line.item_id for line in lines}:
            found[bom] = new
    return found


def _offer(blocker: Blocker, bom: Bom, lines: list[BomLine], stock: Mapping[int, Decimal]) -> Offer:
    items = ", ".join(line.item.code for line in lines)
    lacking = [line.item.code for line in lines if not stock[line.item_id]]
    why_not = _("No %(items)s is there either.") % {"items": ", ".join(lacking)} if lacking else ""
    return Offer(
        label=_("Use %(items)s instead") % {"items": items},
        inputs={"item": item_id_of(blocker), "bom": bom.pk},
        cost=_("as parts list %(bom)s says, for the %(count)s that are left")
        % {"bom": bom.code, "count": plain(blocker.job_order.to_do)},
        why_not=why_not,
    )


def _none(blocker: Blocker) -> Offer:
    why = _("No other parts list of %(product)s does without %(item)s.")
    words = {"product": blocker.job_order.work_order.item_code, "item": blocker.facts["item"]}
    return Offer(label=str(SUBSTITUTE_PART.label), why_not=why % words)


def _substitute(context: Context, subject: Subject, inputs: Inputs, _reason: str) -> None:
    substitute_material.within(
        context, job_order_id=job_of(subject) or 0, item_id=int(inputs["item"]), bom_id=int(inputs["bom"])
    )


SUBSTITUTE_PART = declare(
    Cure(
        code="substitute",
        cause_kinds=frozenset({SHORTAGE}),
        label=gettext_lazy("Use another item"),
        permission=SUBSTITUTE,
        scopes=scopes_of_jobs,
        parts=parts_of,
        offers=_offers,
        lock=lock_job,
        run=_substitute,
        needs_person=True,
    )
)
