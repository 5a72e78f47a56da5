"""Compose and Kubernetes run every program of ours, with settings that exist.

No engine answers where these tests run: they read the files and start nothing.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from deploy.programs import programs
from schemas.settings import Settings

COMPOSE = yaml.safe_load(Path("deploy/compose/compose.yaml").read_text())["services"]
OBJECTS = list(yaml.safe_load_all(Path("deploy/kubernetes/kinebus.yaml").read_text()))
SETS = {o["metadata"]["name"]: o for o in OBJECTS if o["kind"] == "StatefulSet"}
KNOWN = {str(field.alias) for field in Settings.model_fields.values()}
MODULES = {program.module for program in programs(workers=1, sinks=True, dashboard=True)}
SETUP = "deploy.create_topics"


def ours(environment: dict[str, Any]) -> set[str]:
    return {name for name in environment if not name.startswith("AWS_")}


def test_compose_runs_every_program_with_settings_that_exist() -> None:
    services = {name: one for name, one in COMPOSE.items() if one.get("image") == "kinebus"}
    assert {one["command"][0] for one in services.values()} == MODULES | {SETUP}
    for name, one in services.items():
        assert ours(one["environment"]) <= KNOWN, name
        waits = one["depends_on"]
        assert set(waits) <= set(COMPOSE), name
    workers = [one for one in services.values() if one["command"] == ["streams.app"]]
    assert [one["environment"]["KINEBUS_WORKER"] for one in workers] == ["0", "1"]


def test_kubernetes_runs_every_program_with_settings_that_exist() -> None:
    modules = {}
    for name, one in SETS.items():
        (container,) = one["spec"]["template"]["spec"]["containers"]
        modules[name] = container["args"][0]
        named = {entry["name"]: entry for entry in container["env"]}
        assert set(named) <= KNOWN, name
        # A static member of its group is told from the others by its pod's index.
        index = named["KINEBUS_WORKER"]["valueFrom"]["fieldRef"]["fieldPath"]
        assert index == "metadata.labels['apps.kubernetes.io/pod-index']"
        ports = {port["name"] for port in container["ports"]}
        for probe in ("readinessProbe", "livenessProbe"):
            assert container[probe]["httpGet"]["port"] in ports, name
        labels = one["spec"]["template"]["metadata"]["labels"]
        assert one["spec"]["selector"]["matchLabels"] == labels
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        pod, claims = one["spec"]["template"]["spec"], one["spec"].get("volumeClaimTemplates", ())
        there = {volume["name"] for volume in pod.get("volumes", ())}
        assert mounted <= there | {claim["metadata"]["name"] for claim in claims}, name
    assert set(modules.values()) == MODULES
    settings = next(o for o in OBJECTS if o["kind"] == "ConfigMap")["data"]
    secrets = next(o for o in OBJECTS if o["kind"] == "Secret")["stringData"]
    assert ours(settings | secrets) <= KNOWN


def test_what_they_run_is_there() -> None:
    for module in (*MODULES, SETUP):
        assert find_spec(module) is not None
    image = Path("deploy/compose/Dockerfile").read_text()
    for line in image.splitlines():
        if line.startswith("COPY "):
            for source in line.split()[1:-1]:
                assert Path(source).exists(), source
    told = dict(word.split("=", 1) for word in image.split() if "=" in word and word.isupper())
    assert ours({name: 0 for name in told if name.startswith("KINEBUS")}) <= KNOWN
