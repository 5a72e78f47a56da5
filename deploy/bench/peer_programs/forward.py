"""Pinocchio from Python: forward kinematics of each frame, the poses of its segments copied out.

Run as `python forward.py FOLDER`; answers every line on stdin with a round's figures as JSON.
Of the ways tried (one call for all frames or one for each; translation and rotation, or one matrix)
the fastest is taken.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pinocchio as pin


def main() -> None:
    """Answer until stdin ends."""
    folder = Path(sys.argv[1])
    given = np.load(folder / "frames.npz")
    model = pin.buildModelFromUrdf(str(folder / "robot.urdf"))
    data = model.createData()
    ids = [model.getFrameId(name) for name in given["frame_names"]]
    q = np.zeros((len(given["position"]), model.nq))
    for c, name in enumerate(given["joint_names"]):
        q[:, model.joints[model.getJointId(name)].idx_q] = given["position"][:, c]
    pose = np.empty((len(q), len(ids), 4, 4))
    for _ in sys.stdin:
        start = time.process_time()
        for t in range(len(q)):
            pin.forwardKinematics(model, data, q[t])
            for i, frame in enumerate(ids):
                pose[t, i] = pin.updateFramePlacement(model, data, frame).homogeneous
        spent = time.process_time() - start
        apart = float(np.abs(pose[:, :, :3, :3] - given["rotation"]).max())
        print(
            json.dumps({"cpu_s": spent, "frames": len(q), "largest_difference": apart}), flush=True
        )


if __name__ == "__main__":
    main()
