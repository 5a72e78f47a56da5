"""Other people's programs on our data sets: lerobot reads and trains, graders find nothing fatal.

`make test-readers` makes their environments and runs this; `make test` leaves it out.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from schemas.embodiment import load_embodiment
from tests.readers.make_sets import write_sets

pytestmark = [pytest.mark.readers, pytest.mark.shared]

ROOT = Path(__file__).parents[2]
PLACE = Path(os.environ.get("KINEBUS_CACHE", ROOT / ".cache")) / "readers"
VENDORS = ("fourier", "iit", "pollen", "unitree", "xhumanoid")
SETS = [f"{vendor}-{kind}" for vendor in VENDORS for kind in ("v3", "v21", "canonical", "g1")]
AT_A_STOP = "fourier-canonical"
THUMB = "L_thumb_proximal_pitch_joint"
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


@pytest.mark.parametrize("name", [name for name in SETS if name != AT_A_STOP])
def test_lerobot_doctor_finds_no_fault(sets: Path, name: str) -> None:
    done = run("graders", "lerobot-doctor", "check", str(sets / name))
    assert "[FAIL]" not in done.stdout, done.stdout


def test_lerobot_doctor_sees_that_a_thumb_stays_at_its_stop(sets: Path) -> None:
    """It is right: the thumb rests 3 mrad behind `open`, which is 0 on the canonical body."""
    done = run("graders", "lerobot-doctor", "check", str(sets / AT_A_STOP))
    found = re.findall(r"(\S+)\[(\d+)\]: 99\.\d% of values at minimum \(0\.0000\)", done.stdout)
    assert len(found) == 1
    assert done.stdout.count("[FAIL]") == 1
    names = json.loads((sets / AT_A_STOP / "meta/info.json").read_text())["features"]["action"]
    assert names["names"][int(found[0][1])] == "left_thumb_flexion"
    native = sets / "fourier-v3"
    channels = json.loads((native / "meta/info.json").read_text())["features"]["action"]["names"]
    held = pq.read_table(native / "data")["observation.state"].combine_chunks().flatten()
    thumb = held.to_numpy().reshape(-1, len(channels))[:, channels.index(THUMB)]
    assert (
        thumb <= load_embodiment("fourier_gr1t2_inspire").hands["left"].joints[1].open
    ).mean() > 0.9


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
