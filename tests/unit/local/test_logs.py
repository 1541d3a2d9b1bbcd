import json
from pathlib import Path

from deploy.local.logs import read_tail


def test_the_tail_makes_structured_lines_readable(tmp_path: Path) -> None:
    record = {
        "event": "crashed",
        "level": "error",
        "timestamp": "now",
        "job": "j1",
        "exception": "Traceback\nValueError",
    }
    log = tmp_path / "log"
    log.write_text("\n".join(["plain", json.dumps(record), "[1, 2]", '{"no": "event"}', ""]))
    assert read_tail(log) == ["plain", "error crashed job=j1", "Traceback", "ValueError", "[1, 2]", '{"no": "event"}']


def test_the_tail_is_short_however_long_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("\n".join(str(number) * 1_000 for number in range(1_000)))
    tail = read_tail(log)
    assert len(tail) == 10
    assert tail[-1].startswith("999")
    assert max(map(len, tail)) == 400


def test_a_structured_exception_is_shown_without_its_frames(tmp_path: Path) -> None:
    frames = [{"filename": "a.py", "lineno": n, "name": "f", "locals": {"secret": "x"}} for n in (1, 2)]
    exception = [{"exc_type": "ValueError", "exc_value": "no bees", "frames": frames, "is_cause": False}]
    log = tmp_path / "log"
    log.write_text(json.dumps({"event": "crashed", "level": "error", "exception": exception}))
    assert read_tail(log) == ["error crashed", "ValueError: no bees at a.py:2, f"]
