"""The audit table of a program: every connection point, and who gets sessions properly."""

from sessionlint.inventory.audit import FAMILIES, build_inventory
from sessionlint.inventory.model import CORRECT, FIX, REVIEW, Inventory, Point, Usage

__all__ = ["CORRECT", "FAMILIES", "FIX", "REVIEW", "Inventory", "Point", "Usage", "build_inventory"]
