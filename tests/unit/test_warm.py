"""What `warm` has called is all that a worker calls: nothing is compiled while it runs."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gc
import sys
import tempfile
from pathlib import Path

from numba.core.dispatcher import Dispatcher

from deploy.bench.rest import FLEET_HZ, Take, raw_records
from producers.fleet.bench_vendors import write_bench_vendors
from producers.fleet.motion import build_motion
from producers.fleet.vendor_form import chunk_value, vendor_loop
from producers.sdk.form import Form
from schemas.vendors import load_vendors
from streams.checkpoint import empty_partition
from streams.chunk import compile_all
from streams.process import process_fold
from streams.warm import warm


def compiled():
    return {
        (made.py_func.__module__, made.py_func.__name__, str(signature))
        for made in gc.get_objects()
        if isinstance(made, Dispatcher)
        for signature in made.signatures
    }


with tempfile.TemporaryDirectory() as name:
    write_bench_vendors(Path(name), vendors=1, rate_hz=250.0)
    groups = (load_vendors(), load_vendors(Path(name)))
    processors = [compile_all(vendors) for vendors in groups]
warm()
before = compiled()
for vendors, known in zip(groups, processors, strict=True):
    for vendor in vendors.by_profile.values():
        loop = vendor_loop(vendor, build_motion(vendor, 0, FLEET_HZ, 4), 0)
        form = Form(vendor.profile, vendor.schema)
        values = [(form.encode(chunk_value(loop, at, at + 4, at, 0)), 4) for at in range(0, 400, 4)]
        records = list(raw_records(Take(vendor.profile.id, vendor, values)))
        state = empty_partition(records[0].topic, records[0].partition)
        _, folded = process_fold(state, records, known)
        assert folded.counts.get("chunk") == len(values), (vendor.profile.id, folded.counts)
late = compiled() - before
sys.exit("\\n".join(map(str, sorted(late))) if late else 0)
"""


def test_nothing_is_compiled_while_a_worker_runs() -> None:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
