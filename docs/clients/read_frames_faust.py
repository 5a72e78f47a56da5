"""A Faust app that follows canonical frames: faust -A read_frames_faust worker -l warn."""

import io
import json
import os
import struct
import urllib.request
from functools import cache

import fastavro
import faust
import numpy as np

app = faust.App(
    "read-frames",
    broker="kafka://" + os.environ["KAFKA_BOOTSTRAP"],
    key_serializer="raw",
    value_serializer="raw",
    topic_disable_leader=True,
    web_enabled=False,
)
frames = app.topic("canonical.frames", value_serializer="raw")


@cache
def schema(number: int) -> dict:
    """A schema by the id that a record carries."""
    url = f"{os.environ['SCHEMA_REGISTRY_URL']}/schemas/ids/{number}"
    with urllib.request.urlopen(url) as answer:
        return fastavro.parse_schema(json.loads(json.load(answer)["schema"]))


@app.agent(frames)
async def follow(values):
    """Print robot, sequence and shape of each chunk's canonical angles."""
    async for value in values:
        _, number = struct.unpack(">bI", value[:5])
        own = schema(number)
        fact = fastavro.schemaless_reader(io.BytesIO(value[5:]), own)
        if own["name"] == "kinebus.CanonicalChunk":
            angle = np.frombuffer(fact["angle"], "<f4").reshape(fact["frames"], 44)
            print(f"{fact['robot']} {fact['sequence']} {angle.shape}", flush=True)
