"""Shapes of real code in which a rule's example is not recognised at first sight, and their harmless twins.

Each file in ``shapes/`` is a small project with the markers of the rules' examples, named after what it shows. The
rules it marks, and those that a first line ``also: TXN105, TXN201`` names, must find exactly that.
"""

from __future__ import annotations

import pytest

from tests.support.marked import SHAPES, Shape, check_marked


@pytest.mark.parametrize("shape", SHAPES, ids=[shape.name for shape in SHAPES])
def test_shape_is_read_for_what_it_does(shape: Shape) -> None:
    checked = check_marked(shape.source, shape.more)
    assert checked.found == checked.wanted
    assert checked.by_file == checked.wanted
