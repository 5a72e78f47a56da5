"""Manifests against what lies beside them: every segment there, nothing else, the counts right."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import obstore
from obstore.store import ObjectStore

from deploy.audit.lake import SegmentFile
from deploy.audit.report import Problem, problem

_MEANING = {
    "broken_manifest": "A manifest names a segment that is not there, or of another size.",
    "late_segment": "A segment came too late for its manifest: the episode can be repaired.",
    "manifest_miscounts": "A manifest's frames are not those of its segments.",
    "incomplete_episode": "The tracker counted other frames than the manifest.",
    "episode_differs": "ClickHouse holds other frames of an episode than its manifest.",
    "closed_not_sealed": "An episode was closed and has no manifest.",
    "wrong_hash": "A segment's bytes are not those of its manifest.",
}
_REPAIRABLE = ("late_segment", "incomplete_episode")
Episode = tuple[str, str]
"""Episode id and processing id."""


@dataclass
class EpisodeCheck:
    """What is found while episodes are checked."""

    found: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    complete: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Episodes with a manifest and the same frames in ClickHouse, by vendor."""

    def problems(self) -> list[Problem]:
        """One problem of each kind that was found."""
        return [
            part
            for kind, names in sorted(self.found.items())
            for part in problem(kind, _MEANING[kind], sorted(names))
        ]


def check_episodes(
    manifests: Mapping[str, Mapping[str, Any]],
    sizes: Mapping[str, int],
    folders: Mapping[str, list[SegmentFile]],
    in_clickhouse: Mapping[tuple[str, str, str], int],
    closed: Iterable[Episode],
    coming: set[Episode],
) -> EpisodeCheck:
    """Check every manifest.

    Args:
        manifests: by folder.
        sizes: of all objects, by key.
        folders: segments by folder.
        in_clickhouse: frames by robot, episode and processing.
        closed: what the tracker has closed.
        coming: episodes of which something is still on its way to a store.

    An episode that lacks what came too late is no problem any more once another processing of it
    lies there whole: that is what a repair leaves.
    """
    check = EpisodeCheck()
    sealed, whole = set(), set()
    for folder, manifest in manifests.items():
        episode = (str(manifest["episode"]), str(manifest["processing_id"]))
        sealed.add(episode)
        before = sum(map(len, check.found.values()))
        _check_segments(check, folder, manifest, sizes, folders.get(folder, []))
        if manifest["boundary"]["frames"] != manifest["frames"]:
            check.found["incomplete_episode"].append(folder)
        held = in_clickhouse.get((str(manifest["robot"]), *episode), 0)
        same = held == manifest["frames"]
        if not same and episode not in coming:
            check.found["episode_differs"].append(folder)
        if same and sum(map(len, check.found.values())) == before:
            check.complete[str(manifest["robot"]).split("/", 1)[0]] += 1
            whole.add(episode[0])
    for kind in _REPAIRABLE:
        check.found[kind] = [
            name for name in check.found[kind] if not whole.intersection(name.split("/"))
        ]
    for episode in closed:
        if episode not in sealed and episode not in coming:
            check.found["closed_not_sealed"].append("/".join(episode))
    return check


def check_hashes(
    check: EpisodeCheck, manifests: Mapping[str, Mapping[str, Any]], store: ObjectStore
) -> None:
    """Read every segment that a manifest names, and compare its hash."""
    for manifest in manifests.values():
        for segment in manifest["segments"]:
            data = bytes(obstore.get(store, segment["key"]).bytes())
            if hashlib.sha256(data).hexdigest() != segment["sha256"]:
                check.found["wrong_hash"].append(segment["key"])


def _check_segments(
    check: EpisodeCheck,
    folder: str,
    manifest: Mapping[str, Any],
    sizes: Mapping[str, int],
    files: list[SegmentFile],
) -> None:
    listed = {segment["key"]: segment for segment in manifest["segments"]}
    for key, segment in listed.items():
        if key not in sizes or sizes[key] != segment["bytes"]:
            check.found["broken_manifest"].append(key)
    for file in files:
        if file.key not in listed:
            check.found["late_segment"].append(file.key)
    rows = sum(file.frames for file in files if file.key in listed)
    if not manifest["frames"] == rows == sum(s["frames"] for s in listed.values()):
        check.found["manifest_miscounts"].append(folder)
