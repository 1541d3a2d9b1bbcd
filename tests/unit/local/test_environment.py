"""`.venv` and what stands in it, with real environments and a package index that is a folder."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from deploy.local import environment
from deploy.local.environment import Environment, Packages
from deploy.local.errors import LaunchError
from tests.support.waiting import eventually

pytestmark = pytest.mark.ci

REPOSITORY = Path(__file__).parents[3]
Checkout = Callable[..., Environment]


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place that pip finds packages in: it holds ``leaf`` 1.0."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / "leaf-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("leaf.py", "GREEN = True\n")
        wheel.writestr("leaf-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: leaf\nVersion: 1.0\n")
        wheel.writestr("leaf-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("leaf-1.0.dist-info/RECORD", "")
    for name, value in {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(folder),
        "PIP_NO_CACHE_DIR": "1",
    }.items():
        monkeypatch.setenv(name, value)
    return folder


@pytest.fixture
def checkout(tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A checkout in a folder of that name, whose first package is ``leaf``."""
    # The real packages are hundreds of megabytes, to be fetched.
    monkeypatch.setattr(environment, "PACKAGES", {name: Packages((f"{name}.txt",), 1, 1) for name in ("run", "pdf")})

    def make(name: str, digest: str | None = None) -> Environment:
        found = digest or sha256((wheels / "leaf-1.0-py3-none-any.whl").read_bytes()).hexdigest()
        requirements = tmp_path / name / "requirements"
        requirements.mkdir(parents=True, exist_ok=True)
        (requirements / "run.txt").write_text(f"leaf==1.0 --hash=sha256:{found}\n")
        (requirements / "pdf.txt").write_text(f"twig==1.0 --hash=sha256:{found}\n")
        (tmp_path / name / "shared" / "src").mkdir(parents=True, exist_ok=True)
        (tmp_path / name / "shared" / "src" / "branch.py").write_text("import leaf\n")
        return Environment(tmp_path / name)

    return make


def works(root: Path) -> bool:
    """Whether the environment imports its packages and the sources of the checkout, with no help of a locale."""
    program = "import branch, pip, leaf; print(branch.__file__)"
    asked = subprocess.run(
        [root / ".venv" / "bin" / "python", "-c", program], capture_output=True, env={"LC_ALL": "C"}, encoding="utf-8"
    )
    return asked.returncode == 0 and Path(asked.stdout.strip()).resolve() == root / "shared" / "src" / "branch.py"


def test_an_environment_that_is_of_no_use_is_made_again(
    checkout: Checkout, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    checkout("茶馆").bring(["run"])
    assert works(tmp_path / "茶馆")
    checkout("茶馆").bring(["run"])
    assert capfd.readouterr().out.count("Setting up") == 1

    (tmp_path / "茶馆").rename(tmp_path / "moved")
    checkout("moved").bring(["run"])
    assert "Making it again" in capfd.readouterr().out
    assert works(tmp_path / "moved")

    note = tmp_path / "moved" / ".venv" / "draftline.json"
    made = json.loads(note.read_text())
    for content in (json.dumps({**made, "python": [3, 9]}), "[1]", "{", ""):
        note.write_text(content)
        assert checkout("moved")._installed() is None
    checkout("moved").bring(["run"])
    assert "Making it again" in capfd.readouterr().out
    assert works(tmp_path / "moved")


SETS_UP = """\
import sys
from pathlib import Path
from deploy.local import environment
environment.PACKAGES = {"run": environment.Packages(("run.txt",), 1, 1)}
environment.Environment(Path(sys.argv[1])).bring(["run"])
"""


async def test_a_kill_while_it_is_made_spoils_nothing(checkout: Checkout, tmp_path: Path) -> None:
    made, folder = checkout("here"), tmp_path / "here" / ".venv"
    program = (sys.executable, "-c", SETS_UP, str(folder.parent))
    maker = await asyncio.create_subprocess_exec(*program, cwd=REPOSITORY, start_new_session=True)
    await eventually((folder / "bin" / "python").exists, seconds=60)
    os.killpg(maker.pid, signal.SIGKILL)
    await maker.wait()
    assert not works(folder.parent)
    made.bring(["run"])
    assert works(folder.parent)


def test_a_package_that_cannot_be_fetched_leaves_the_rest(
    checkout: Checkout, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    made = checkout("here")
    made.bring(["run"])
    with pytest.raises(LaunchError, match=r"could not be fetched\. Check the network.*PIP_INDEX_URL"):
        made.bring(["run", "pdf"])
    capfd.readouterr()
    made.bring(["run"])
    assert capfd.readouterr().out == ""


def test_another_file_than_the_locked_one_is_refused(checkout: Checkout) -> None:
    with pytest.raises(LaunchError, match="other files than the locked ones"):
        checkout("here", digest="0" * 64).bring(["run"])


def test_what_is_lacking_is_said_before_anything_is_made(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = checkout("here")
    # No disk is small enough for the real packages to be sure to lack room.
    monkeypatch.setattr(environment, "PACKAGES", {"run": Packages(("run.txt",), fetch_mb=1, disk_mb=10**9)})
    with pytest.raises(LaunchError, match=r"Disk full: .*here has \d+ MB free and 1000000000 MB are needed"):
        made.bring(["run"])
    assert not (tmp_path / "here" / ".venv").exists()


@pytest.mark.parametrize("module", ["environment", "installing", "machine"])
def test_nothing_has_to_be_installed_for_it(module: str) -> None:
    subprocess.run([sys.executable, "-S", "-c", f"import deploy.local.{module}"], cwd=REPOSITORY, check=True)
