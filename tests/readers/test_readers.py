"""Other people's programs on our data sets: lerobot reads and trains, graders find nothing fatal.

`make test-readers` makes their environments and runs this; `make test` leaves it out.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.readers.make_sets import write_sets

pytestmark = [pytest.mark.readers, pytest.mark.shared]

ROOT = Path(__file__).parents[2]
PLACE = Path(os.environ.get("KINEBUS_CACHE", ROOT / ".cache")) / "readers"
VENDORS = ("fourier", "iit", "pollen", "unitree", "xhumanoid")
SETS = [f"{vendor}-{kind}" for vendor in VENDORS for kind in ("v3", "v21", "canonical", "g1")]
COMMANDED = ("fourier-v3", "unitree-v3", "fourier-g1", "unitree-g1")


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory, shared_dir: Path) -> Path:
    if not (PLACE / "graders/ready").exists():
        pytest.skip("no environments of readers: `make test-readers` makes them")
    out = tmp_path_factory.mktemp("sets")
    refused = write_sets(out, shared_dir / "recordings")
    assert set(refused) == {"kscale"}, "one joint at 20 Hz and another at 0.14 Hz train nobody"
    return out


def run(environment: str, *words: str) -> subprocess.CompletedProcess[str]:
    binary = PLACE / environment / "bin" / words[0]
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(PLACE / "hf")}
    return subprocess.run(
        [binary, *words[1:]], capture_output=True, text=True, check=False, env=offline
    )


@pytest.mark.parametrize("name", SETS)
def test_robovet_finds_no_fault(sets: Path, name: str) -> None:
    done = run("graders", "robovet", "doctor", str(sets / name))
    assert done.returncode == 0, done.stdout
    assert " 0 fail" in done.stdout


@pytest.mark.parametrize("name", [name for name in SETS if not name.endswith("canonical")])
def test_lerobot_doctor_finds_no_fault(sets: Path, name: str) -> None:
    done = run("graders", "lerobot-doctor", "check", str(sets / name))
    assert "[FAIL]" not in done.stdout, done.stdout


@pytest.mark.parametrize("name", SETS)
def test_rdq_finds_nothing_critical(sets: Path, tmp_path: Path, name: str) -> None:
    report = tmp_path / "report.json"
    done = run("graders", "rdq", "check", str(sets / name), "--json", str(report))
    assert "CRITICAL" not in done.stdout, done.stdout
    assert json.loads(report.read_text())


@pytest.mark.parametrize("name", COMMANDED)
def test_lerobot_loads_it_and_acts_loss_falls(sets: Path, name: str) -> None:
    script = Path(__file__).with_name("train_act.py")
    done = run("lerobot", "python", str(script), str(sets / name), "60")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert "observation.environment_state" in told["inputs"]
    assert told["last"] < 0.7 * told["first"], told
