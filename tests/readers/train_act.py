"""Runs in lerobot's environment: reads a data set as its trainers do, and trains ACT for a while.

`python train_act.py FOLDER STEPS` prints one JSON object: what was read, losses at start and end.
"""

from __future__ import annotations

import json
import sys

import torch
from lerobot.configs.types import FeatureType
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from lerobot.datasets.utils import dataset_to_policy_features
from lerobot.policies.act.configuration_act import ACTConfig
from lerobot.policies.act.modeling_act import ACTPolicy
from lerobot.policies.factory import make_pre_post_processors

CHUNK = 10


def main(root: str, steps: int) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(2)
    plain = LeRobotDataset("kinebus/set", root=root)
    features = dataset_to_policy_features(plain.meta.features)
    outputs = {name: one for name, one in features.items() if one.type is FeatureType.ACTION}
    inputs = {name: one for name, one in features.items() if name.startswith("observation.")}
    config = ACTConfig(
        input_features=inputs,
        output_features=outputs,
        chunk_size=CHUNK,
        n_action_steps=CHUNK,
        dim_model=64,
        n_heads=4,
        dim_feedforward=128,
        n_encoder_layers=1,
        n_vae_encoder_layers=1,
        device="cpu",
    )
    policy = ACTPolicy(config)
    prepare, _ = make_pre_post_processors(config, dataset_stats=plain.meta.stats)
    ahead = {"action": [i / plain.fps for i in range(CHUNK)]}
    read = LeRobotDataset("kinebus/set", root=root, delta_timestamps=ahead)
    loader = torch.utils.data.DataLoader(read, batch_size=16, shuffle=True, drop_last=True)
    optimizer = torch.optim.AdamW(policy.parameters(), lr=1e-3)
    losses: list[float] = []
    while len(losses) < steps:
        for batch in loader:
            loss, _ = policy.forward(prepare(batch))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if len(losses) >= steps:
                break
    told = {
        "frames": len(plain),
        "episodes": plain.num_episodes,
        "fps": plain.fps,
        "inputs": sorted(inputs),
        "first": sum(losses[:5]) / 5,
        "last": sum(losses[-5:]) / 5,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
