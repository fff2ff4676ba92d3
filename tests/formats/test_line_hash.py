"""GitHub's hash of a line."""

from hypothesis import given
from hypothesis import strategies as st

from sessionlint.formats.line_hash import line_hashes

COMMIT = "async def get(session):\n    await session.commit()\n"
AWKWARD = (
    "\ufeffdef \U0001d518\U0001d518():\r\n\treturn 'é' \r \n\n x\n".encode()
    + b"\xff\xfe caf\xe9\n\n"
    + (COMMIT * 3).encode()
)


def rolling(data: bytes) -> dict[int, str]:
    """The same by definition, one character after the other, as GitHub's uploader goes through a file."""
    text = data.decode("utf-8", "replace")
    units = memoryview(text.encode("utf-16-le")).cast("H").tolist()
    kept: list[int] = []
    starts: list[int] = [0]
    after_return = False
    for unit in units:
        if unit in (32, 9) or (after_return and unit == 10):
            after_return = False
            continue
        after_return = unit == 13
        kept.append(10 if unit == 13 else unit)
        if kept[-1] == 10:
            starts.append(len(kept))
    kept += [65535] + [0] * 100
    found: dict[int, str] = {}
    counts: dict[int, int] = {}
    for line, start in enumerate(starts, start=1):
        value = sum(unit * 37 ** (99 - place) for place, unit in enumerate(kept[start : start + 100])) % 2**64
        counts[value] = counts.get(value, 0) + 1
        found[line] = f"{value:x}:{counts[value]}"
    return found


def test_the_values_are_those_of_githubs_uploader():
    # computed with the algorithm of codeql-action's src/fingerprints.ts under Node.js
    assert line_hashes(b"", [1]) == {1: "c129715d7a2bc9a3:1"}
    assert line_hashes(AWKWARD, range(1, 20)) == {
        1: "72403d9df6dcc2f1:1",
        2: "952a20720012eb02:1",
        3: "e07d502e768d1a2f:1",
        4: "79fc70b1234436c2:1",
        5: "a95c239419bb5813:1",
        6: "5dd82a911f3b8d44:1",
        7: "c7b82b89eda4322b:1",
        8: "e57e24e9599aadf5:1",
        9: "cd59aaaed6f8818a:1",
        10: "2c1cded6be76ce7:1",
        11: "4848b04f9b5f10d1:1",
        12: "39e7ea2fdc1d9515:1",
        13: "a771bc15a3d0416f:1",
        14: "c129715d7a2bc9a3:1",
    }


def test_equal_lines_are_numbered_and_lines_that_do_not_exist_left_out():
    first, second, third = line_hashes((COMMIT * 9).encode(), [1, 3, 5, 99]).values()
    assert [value.rpartition(":")[2] for value in (first, second, third)] == ["1", "2", "3"]
    assert len({value.rpartition(":")[0] for value in (first, second, third)}) == 1


@given(st.text(alphabet=st.sampled_from("ab \t\r\n\U0001d518é\ufeff"), max_size=300))
def test_the_hash_of_any_file_is_the_rolling_one(text):
    data = text.encode()
    assert line_hashes(data, range(1, 400)) == rolling(data)
