from apps.equipment.models.machines import HeardMinute, Machine, MachineNow, StateInterval, StateWord
from apps.equipment.models.signals import (
    CountedMinute,
    Doubt,
    Meaning,
    QuarantinedSignal,
    SeenSignal,
    SignalMapping,
    SignalSource,
    Transport,
)
from apps.equipment.models.stops import Downtime, DowntimePart, MaintenanceRequest, ReasonWord, RequestStatus
from apps.equipment.timeline import MachineState, WordOf

__all__ = [
    "CountedMinute",
    "Doubt",
    "Downtime",
    "DowntimePart",
    "HeardMinute",
    "Machine",
    "MachineNow",
    "MachineState",
    "MaintenanceRequest",
    "Meaning",
    "QuarantinedSignal",
    "ReasonWord",
    "RequestStatus",
    "SeenSignal",
    "SignalMapping",
    "SignalSource",
    "StateInterval",
    "StateWord",
    "Transport",
    "WordOf",
]
