from apps.equipment.commands.machines import follow_machine, running_again, stop_machine
from apps.equipment.commands.maintenance import (
    finish_maintenance,
    name_cause,
    request_maintenance,
    technician_arrived,
    wait_for_part,
)
from apps.equipment.commands.stops import classify_stop, correct_reason, split_stop

__all__ = [
    "classify_stop",
    "correct_reason",
    "finish_maintenance",
    "follow_machine",
    "name_cause",
    "request_maintenance",
    "running_again",
    "split_stop",
    "stop_machine",
    "technician_arrived",
    "wait_for_part",
]
