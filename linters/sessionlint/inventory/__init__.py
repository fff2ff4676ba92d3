"""The audit table of a program: every connection point, and who gets sessions properly."""

from sessionlint.inventory.audit import FAMILIES, build_inventory
from sessionlint.inventory.model import CORRECT, FIX, REVIEW, Inventory, Point, Usage
from sessionlint.inventory.session_map import MapEdge, MapNode, SessionMap, build_session_map

__all__ = [
    "CORRECT",
    "FAMILIES",
    "FIX",
    "REVIEW",
    "Inventory",
    "MapEdge",
    "MapNode",
    "Point",
    "SessionMap",
    "Usage",
    "build_inventory",
    "build_session_map",
]
