from __future__ import annotations

from apps.workflows.models.items import GraphFSMField, ItemStatusField, WorkflowItem, workflow_triggers
from apps.workflows.models.life import VersionStatus
from apps.workflows.models.moves import Course, MoveDecision, MoveLine, MovePlan, Policy, Rollout
from apps.workflows.models.packages import PackageOrigin
from apps.workflows.models.photos import Photo, PhotoUse
from apps.workflows.models.signatures import Signature, SignedStep
from apps.workflows.models.simulations import SimulationRun, SimulationStatus
from apps.workflows.models.steps import DraftStep
from apps.workflows.models.versions import (
    RUNNING_PHASES,
    Edge,
    EdgeStop,
    Phases,
    State,
    Version,
    Workflow,
)
from apps.workflows.rules.models import (
    Rule,
    RuleFailure,
    RuleFiring,
    RuleOccurrence,
    RuleRollout,
    RuleStep,
    RuleStop,
    RuleTimer,
    RuleVersion,
)

__all__ = [
    "RUNNING_PHASES",
    "Course",
    "DraftStep",
    "Edge",
    "EdgeStop",
    "GraphFSMField",
    "ItemStatusField",
    "MoveDecision",
    "MoveLine",
    "MovePlan",
    "PackageOrigin",
    "Phases",
    "Photo",
    "PhotoUse",
    "Policy",
    "Rollout",
    "Rule",
    "RuleFailure",
    "RuleFiring",
    "RuleOccurrence",
    "RuleRollout",
    "RuleStep",
    "RuleStop",
    "RuleTimer",
    "RuleVersion",
    "Signature",
    "SignedStep",
    "SimulationRun",
    "SimulationStatus",
    "State",
    "Version",
    "VersionStatus",
    "Workflow",
    "WorkflowItem",
    "workflow_triggers",
]
