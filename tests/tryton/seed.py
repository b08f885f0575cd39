"""The plant in Tryton, put there over JSON-RPC as its administrator would.

Every record is looked for by its natural key first, so seeding again adds nothing. Dates are relative to today.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from apps.erp_sync.connectors.tryton.client import TrytonClient

ZONE = "Europe/Berlin"
USER = "mos"
PASSWORD = "mos-of-a-throwaway-plant"
PEOPLE = ("Ana Kovac", "Ben Osei", "Chen Li", "Dora Lindqvist")
# The connector's user: Stock Cancellation lets it take a posted movement back by its button.
GROUPS = ("Production", "Stock", "Stock Cancellation", "Sales", "Purchase", "Timesheet Administration", "Quality")


class Item(NamedTuple):
    code: str
    name: str
    unit: str
    cost: str
    lots: bool
    made: bool = False
    price: str = ""


ITEMS = (
    Item("PUMP-100", "Hydraulic pump 100", "u", "180.00", lots=True, made=True, price="420.00"),
    Item("ROTOR-10", "Rotor assembly", "u", "52.00", lots=True, made=True),
    Item("CAST-01", "Housing casting", "u", "41.00", lots=True),
    Item("SEAL-07", "Seal kit", "u", "6.50", lots=True),
    Item("BOLT-M8", "Bolt M8x25", "u", "0.08", lots=False),
    Item("OIL-46", "Assembly oil ISO 46", "l", "3.20", lots=False),
    Item("BAR-20", "Steel bar 20 mm", "kg", "1.90", lots=True),
)
BOMS = {
    "PUMP-100": (("ROTOR-10", 1.0), ("CAST-01", 1.0), ("SEAL-07", 1.0), ("BOLT-M8", 8.0), ("OIL-46", 0.25)),
    "ROTOR-10": (("BAR-20", 2.4), ("BOLT-M8", 2.0)),
}
ROUTINGS = {
    "PUMP-100": (("Mill housing", "Machining"), ("Assemble", "Assembly"), ("Pressure test", "Test")),
    "ROTOR-10": (("Turn shaft", "Machining"), ("Balance", "Test")),
}
WORK_CENTERS = (
    ("CNC-1", "Machining", "65.00", "hour"),
    ("CNC-2", "Machining", "65.00", "hour"),
    ("ASM-1", "Assembly", "32.00", "hour"),
    ("TEST-1", "Test", "15.00", "cycle"),
)
LOCATIONS = (
    ("RACK-A", "Rack A", "storage", "STO"),
    ("RACK-B", "Rack B", "storage", "STO"),
    ("QUAR", "Quarantine", "storage", "WH"),
    ("SCRAP", "Scrap", "lost_found", ""),
)
STOCK = (
    ("RACK-A", "CAST-01", 400.0, "C-2611-01"),
    ("RACK-A", "CAST-01", 250.0, "C-2611-02"),
    ("RACK-A", "ROTOR-10", 300.0, "R-2610-07"),
    ("RACK-A", "BAR-20", 5000.0, "H-88120"),
    ("RACK-B", "SEAL-07", 300.0, "S-4471"),
    ("RACK-B", "SEAL-07", 300.0, "S-4472"),
    ("RACK-B", "BOLT-M8", 20000.0, ""),
    ("RACK-B", "OIL-46", 400.0, ""),
)
# Reference, item, quantity, days from today to the planned start, state to bring it to.
ORDERS = (
    ("WO-1001", "PUMP-100", 10, 1, "waiting"),
    ("WO-1002", "ROTOR-10", 20, 2, "waiting"),
    ("WO-1003", "PUMP-100", 5, 1, "assigned"),
    ("WO-1004", "PUMP-100", 8, 4, "draft"),
    ("WO-1005", "ROTOR-10", 12, 6, "draft"),
    ("WO-1006", "PUMP-100", 6, 9, "request"),
)
SALE, SALE_QUANTITY, SALE_DAYS = "PO-77812", 4, 14
PURCHASE, PURCHASE_QUANTITY, PURCHASE_DAYS = "PU-5001", 100, 3


# What a name names: the model and the field that holds it.
NAMED = {
    "unit": ("product.uom", "symbol"),
    "currency": ("currency.currency", "code"),
    "person": ("company.employee", "party.name"),
    "location": ("stock.location", "code"),
    "item": ("product.product", "code"),
    "category": ("production.work.center.category", "name"),
    "work center": ("production.work.center", "name"),
    "bom": ("production.bom", "name"),
    "routing": ("production.routing", "name"),
}


def today() -> dt.date:
    """The day of the company's zone, which Tryton calls today."""
    return dt.datetime.now(ZoneInfo(ZONE)).date()


def seed(client: TrytonClient) -> None:
    """Fills an initialised database; `client` is its administrator."""
    _Plant(client).build()


def order(client: TrytonClient, reference: str, item: str, quantity: int, *, start: int = 1) -> int:
    """One more production in draft, planned to start that many days from today; gives its id."""
    return _Plant(client).production(reference, item, quantity, start, "draft")


class _Plant:
    def __init__(self, client: TrytonClient) -> None:
        self.client = client
        self.today = today()
        self.company = client.company
        self.ids: dict[tuple[str, str], int] = {}

    def build(self) -> None:
        self._company()
        self._people()
        self._locations()
        self._items()
        self._work_centers()
        self._structures()
        self._stock()
        self._sale()
        self._purchase()
        for row in ORDERS:
            self.production(*row)

    # ---- small tools

    def find(self, model: str, *domain: Any) -> int:
        found = self.client.call(f"model.{model}.search", [list(clause) for clause in domain], 0, 1, [["id", "ASC"]])
        return int(found[0]) if found else 0

    def make(self, model: str, natural: dict[str, Any], more: dict[str, Any] | None = None) -> int:
        """The id of the record with these natural values, made if it is not there."""
        found = self.find(model, *[(field, "=", value) for field, value in natural.items()])
        if found:
            return found
        return int(self.client.call(f"model.{model}.create", [natural | (more or {})])[0])

    def press(self, model: str, record: int, *buttons: str) -> None:
        for button in buttons:
            self.client.call(f"model.{model}.{button}", [record])

    def id(self, kind: str, name: str) -> int:
        """The id behind a name of this plant, looked up once."""
        if (kind, name) not in self.ids:
            model, field = NAMED[kind]
            self.ids[kind, name] = self.find(model, (field, "=", name))
        return self.ids[kind, name]

    def unit(self, symbol: str) -> int:
        return self.id("unit", symbol)

    # ---- the company and its people

    def _company(self) -> None:
        euro = {"name": "Euro", "symbol": "EUR", "rounding": Decimal("0.01"), "digits": 2}
        currency = self.make("currency.currency", {"code": "EUR"}, euro)
        rates = self.find("currency.currency.rate", ("currency", "=", currency))
        if not rates:
            rate = {"currency": currency, "rate": Decimal(1), "date": dt.date(2020, 1, 1)}
            self.client.call("model.currency.currency.rate.create", [rate])
        party = self.make("party.party", {"name": "Throwaway Works"})
        terms = {"currency": currency, "timezone": ZONE}
        self.company = self.make("company.company", {"party": party}, terms)
        admin = self.find("res.user", ("login", "=", "admin"))
        companies = {"companies": [["add", [self.company]]], "company": self.company}
        self.client.call("model.res.user.write", [admin], companies)
        self.client.forget_session()

    def _people(self) -> None:
        for name in (*PEOPLE, "Manufacturing OS"):
            party = self.make("party.party", {"name": name})
            self.make("company.employee", {"party": party, "company": self.company})
        cost = {"date": dt.date(2020, 1, 1), "cost_price": Decimal(38)}
        self.make("company.employee_cost_price", {"employee": self.id("person", PEOPLE[0])}, cost)
        if self.find("res.user", ("login", "=", USER)):
            return
        employee = self.id("person", "Manufacturing OS")
        user = {
            "name": "Manufacturing OS",
            "login": USER,
            "password": PASSWORD,
            "companies": [["add", [self.company]]],
            "company": self.company,
            "employees": [["add", [employee]]],
            "employee": employee,
            "groups": [["add", [self.find("res.group", ("name", "=", group)) for group in GROUPS]]],
        }
        self.client.call("model.res.user.create", [user])

    # ---- places, items, structures

    def _locations(self) -> None:
        for code, name, kind, parent in LOCATIONS:
            more = {"name": name, "type": kind, "parent": self.id("location", parent) if parent else None}
            self.make("stock.location", {"code": code}, more)
        waste = {"waste_locations": [["add", [self.id("location", "SCRAP")]]]}
        self.client.call("model.stock.location.write", [self.id("location", "WH")], waste)

    def _items(self) -> None:
        category = self.make("product.category", {"name": "Goods"}, {"accounting": True})
        for item in ITEMS:
            if not self.find("product.product", ("code", "=", item.code)):
                self.client.call("model.product.template.create", [self._template(item, category)])

    def _template(self, item: Item, category: int) -> dict[str, Any]:
        places = ["supplier", "customer", "lost_found", "storage", "production"]
        unit = self.unit(item.unit)
        template: dict[str, Any] = {
            "name": item.name,
            "code": item.code,
            "type": "goods",
            "default_uom": unit,
            "account_category": category,
            "cost_price_method": "fixed",
            "producible": item.made,
            "purchasable": not item.made,
            "products": [["create", [{"cost_price": Decimal(item.cost)}]]],
        }
        if not item.made:
            template |= {"purchase_uom": unit}
        if item.price:
            # Without a lead time Tryton plans the lines of a sale for today whatever was promised.
            template |= {"salable": True, "sale_uom": unit, "list_price": Decimal(item.price)}
            template |= {"lead_time": dt.timedelta(days=7), "supply_on_sale": "always"}
        if item.lots:
            template["lot_required"] = places
        return template

    def _work_centers(self) -> None:
        common = {"company": self.company, "warehouse": self.id("location", "WH")}
        plant = self.make("production.work.center", {"name": "Plant 1"}, common)
        for name, category, cost, method in WORK_CENTERS:
            group = self.make("production.work.center.category", {"name": category})
            more = common | {"parent": plant, "category": group}
            more |= {"cost_price": Decimal(cost), "cost_method": method}
            self.make("production.work.center", {"name": name}, more)

    def _structures(self) -> None:
        for made, inputs in BOMS.items():
            lines = [
                {"product": self.id("item", code), "quantity": quantity, "unit": self.unit(_item(code).unit)}
                for code, quantity in inputs
            ]
            output = {"product": self.id("item", made), "quantity": 1.0, "unit": self.unit("u")}
            more = {"inputs": [["create", lines]], "outputs": [["create", [output]]]}
            bom = self.make("production.bom", {"name": _bom(made)}, more)
            steps = [
                {
                    "operation": self.make(
                        "production.routing.operation",
                        {"name": operation},
                        {"work_center_category": self.id("category", category), "timesheet_available": True},
                    ),
                    "sequence": 10 * number,
                }
                for number, (operation, category) in enumerate(ROUTINGS[made], 1)
            ]
            more = {"boms": [["add", [bom]]], "steps": [["create", steps]]}
            routing = self.make("production.routing", {"name": _routing(made)}, more)
            self.make(
                "product.product-production.bom",
                {"product": self.id("item", made), "bom": bom},
                {"routing": routing},
            )
            lead = {"lead_time": dt.timedelta(days=2)}
            self.make("production.lead_time", {"product": self.id("item", made), "bom": bom}, lead)

    # ---- stock and demand

    def _stock(self) -> None:
        for rack in sorted({row[0] for row in STOCK}):
            location = self.id("location", rack)
            if self.find("stock.inventory", ("location", "=", location)):
                continue
            lines = []
            for place, code, quantity, number in STOCK:
                if place == rack:
                    product = self.id("item", code)
                    lot = self.make("stock.lot", {"number": number, "product": product}) if number else None
                    lines.append({"product": product, "quantity": quantity, "lot": lot})
            values = {"location": location, "date": self.today - dt.timedelta(days=10), "company": self.company}
            inventory = self.make("stock.inventory", values, {"lines": [["create", lines]]})
            self.press("stock.inventory", inventory, "confirm")

    def _party(self, name: str) -> tuple[int, int]:
        address = {"addresses": [["create", [{"street_unstructured": "Main Street 1"}]]]}
        party = self.make("party.party", {"name": name}, address)
        return party, self.find("party.address", ("party", "=", party))

    def _sale(self) -> None:
        promised = {"shipping_date": self.today + dt.timedelta(days=SALE_DAYS), "shipment_method": "order"}
        self._trade("sale.sale", SALE, "Acme Hydraulics", ("PUMP-100", SALE_QUANTITY, 420), promised)

    def _purchase(self) -> None:
        awaited = {"delivery_date": self.today + dt.timedelta(days=PURCHASE_DAYS)}
        self._trade("purchase.purchase", PURCHASE, "Foundry North", ("CAST-01", PURCHASE_QUANTITY, 41), awaited)

    def _trade(
        self, model: str, reference: str, partner: str, what: tuple[str, int, int], more: dict[str, Any]
    ) -> None:
        if self.find(model, ("reference", "=", reference)):
            return
        party, address = self._party(partner)
        code, quantity, price = what
        line = {
            "type": "line",
            "product": self.id("item", code),
            "quantity": float(quantity),
            "unit": self.unit("u"),
            "unit_price": Decimal(price),
        }
        order = {
            "party": party,
            "invoice_address": address,
            "reference": reference,
            "company": self.company,
            "currency": self.id("currency", "EUR"),
            "warehouse": self.id("location", "WH"),
            "invoice_method": "manual",
            "lines": [["create", [line]]],
        }
        if model == "sale.sale":
            order["shipment_address"] = address
        made = self.client.call(f"model.{model}.create", [order | more])[0]
        self.press(model, made, "quote", "confirm")
        if self.client.call(f"model.{model}.read", [made], ["state"])[0]["state"] == "confirmed":
            self.press(model, made, "process")

    # ---- productions

    def production(self, reference: str, code: str, quantity: int, start: int, state: str) -> int:
        found = self.find("production", ("reference", "=", reference))
        if found:
            return found
        begin = self.today + dt.timedelta(days=start)
        values = {
            "reference": reference,
            "state": "request" if state == "request" else "draft",
            "company": self.company,
            "warehouse": self.id("location", "WH"),
            "location": self.id("location", "PROD"),
            "product": self.id("item", code),
            "bom": self.id("bom", _bom(code)),
            "routing": self.id("routing", _routing(code)),
            "work_center": self.id("work center", "Plant 1"),
            "unit": self.unit("u"),
            "quantity": float(quantity),
            "planned_start_date": begin,
            "planned_date": begin + dt.timedelta(days=2),
            "inputs": [["create", [self._move(*row, quantity, begin, made=False) for row in BOMS[code]]]],
            "outputs": [["create", [self._move(code, 1.0, quantity, begin, made=True)]]],
        }
        made = int(self.client.call("model.production.create", [values])[0])
        if state in ("waiting", "assigned"):
            self.press("production", made, "wait")
        self._place(made)
        if state == "assigned":
            self.press("production", made, "assign_try")
        return made

    def _place(self, production: int) -> None:
        """At the first work center of each category: Tryton itself picks one of them by chance."""
        works = self.client.call(
            "model.production.work.search_read",
            [["production", "=", production]],
            0,
            None,
            None,
            ["operation.work_center_category"],
        )
        for work in works:
            of_category = [["category", "=", work["operation."]["work_center_category"]]]
            first = self.client.call("model.production.work.center.search", of_category, 0, 1, [["name", "ASC"]])
            self.client.call("model.production.work.write", [work["id"]], {"work_center": first[0]})

    def _move(self, code: str, each: float, quantity: int, day: dt.date, *, made: bool) -> dict[str, Any]:
        places = ("PROD", "STO") if made else ("STO", "PROD")
        move: dict[str, Any] = {
            "product": self.id("item", code),
            "quantity": round(each * quantity, 4),
            "unit": self.unit(_item(code).unit),
            "from_location": self.id("location", places[0]),
            "to_location": self.id("location", places[1]),
            "company": self.company,
            "planned_date": day,
        }
        if made:
            move |= {"unit_price": Decimal(0), "currency": self.id("currency", "EUR")}
        return move


def _bom(made: str) -> str:
    return f"{made} rev A"


def _routing(made: str) -> str:
    return f"{made} standard"


def _item(code: str) -> Item:
    return next(item for item in ITEMS if item.code == code)
