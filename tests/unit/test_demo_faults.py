"""What the demonstration of defects chooses, hears and tells."""

from __future__ import annotations

from deploy.demo_faults import Patient, hear_event, hear_report, patients_of
from producers.faults.inject import FAULTS
from schemas.defects import DEFECT
from schemas.events import (
    EpisodeEvent,
    EventKind,
    Finding,
    QualityReport,
    encode_event,
    encode_report,
)
from tests.make import vendors

ROBOT = "fourier/frozen"


def patient() -> Patient:
    return Patient(ROBOT, DEFECT["frozen"], "frozen_joint", ("left_elbow_pitch_joint",))


def report(*findings: Finding, robot: str = ROBOT) -> bytes:
    return encode_report(
        QualityReport(robot, "s", 3, 0, 10, None, "p", "raw.fourier", 0, 1, 2, list(findings), 1.0)
    )


def finding(check: str, channel: str | None, severity: str = "error") -> Finding:
    return Finding(check, severity, channel, 0, 10, 10, 1.5, 1.0)


def test_every_defect_that_some_maker_s_robot_can_prove_is_shown_once() -> None:
    chosen = patients_of(vendors().by_profile.values())
    shown = [defect.id for _, defect in chosen]
    assert len(shown) == len(set(shown))
    assert set(shown) <= set(FAULTS)
    assert not {"swapped_everywhere", "lost_chunks"} & set(shown)
    assert len({vendor.profile.vendor for vendor, _ in chosen}) >= 5
    assert [d.id for _, d in patients_of(vendors().by_profile.values(), ["frozen"])] == ["frozen"]


def test_a_finding_is_told_once_and_the_defect_s_own_is_marked() -> None:
    own, said = patient(), []
    value = report(finding("frozen_joint", "left_elbow_pitch_joint"), finding("gap", None))
    for _ in range(2):
        hear_report(value, {ROBOT: own}, said.append)
    assert own.named
    assert [line.endswith("<- the defect") for line in said] == [True, False]
    hear_report(report(finding("gap", None), robot="iit/other"), {ROBOT: own}, said.append)
    assert len(said) == 2


def test_the_right_check_on_the_wrong_joint_does_not_count() -> None:
    own, said = patient(), []
    hear_report(report(finding("frozen_joint", "waist_yaw_joint")), {ROBOT: own}, said.append)
    assert not own.named


def test_a_verdict_is_told_with_its_first_reason() -> None:
    own, said = patient(), []
    event = EpisodeEvent("e", "p", EventKind.VERDICT, ROBOT, "s", 5, verdict="reject",
                         reasons=["A joint was frozen."])  # fmt: skip
    hear_event(encode_event(event), {ROBOT: own}, said.append)
    assert said == ["fourier/frozen: reject: A joint was frozen."]
    assert own.document()["verdict"] == "reject"
