"""Defects, and which signals prove each: what cannot be proved is never claimed."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from schemas.checks import BY_ID


@dataclass(frozen=True)
class Proof:
    """A check that names a defect for sure where these signals are there.

    `covers`: the share of the struck frames that its findings cover at least; less than all where
    a check must look for a while before it is sure.
    """

    check: str
    needs: tuple[str, ...]
    covers: float = 1.0


@dataclass(frozen=True)
class Defect:
    """One thing that can be wrong with a robot's telemetry.

    Attributes:
        id: its name.
        meaning: one sentence.
        joints: what it strikes: one, hand, all or none of the joints.
        proofs: in the order of preference.
    """

    id: str
    meaning: str
    joints: str
    proofs: tuple[Proof, ...]

    def __post_init__(self) -> None:
        """Refuse a proof by a check that there is not."""
        unknown = [proof.check for proof in self.proofs if proof.check not in BY_ID]
        if unknown:
            raise ValueError(f"{self.id}: no check is named {', '.join(unknown)}")

    def proved_by(self, signals: Collection[str]) -> Proof | None:
        """What proves this defect on a robot with these signals; None = not provable."""
        for proof in self.proofs:
            if set(proof.needs) <= set(signals) and BY_ID[proof.check].applies(signals):
                return proof
        return None


def _load(path: Path) -> tuple[Defect, ...]:
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["defect"]
    return tuple(
        Defect(
            row["id"],
            row["meaning"],
            row["joints"],
            tuple(Proof(**{**proof, "needs": tuple(proof["needs"])}) for proof in row["proofs"]),
        )
        for row in rows
    )


DEFECTS: tuple[Defect, ...] = _load(Path(__file__).with_suffix(".toml"))

DEFECT: Mapping[str, Defect] = {defect.id: defect for defect in DEFECTS}
