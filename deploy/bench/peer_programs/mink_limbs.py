"""mink: the ends of a robot's limbs to their goals, frame by frame, each from the one before.

Run as `python mink_limbs.py FOLDER`; answers every line on stdin, the settings of a round, with its
figures, both as JSON.
"""

import json
import sys
import time
from pathlib import Path

import mink
import mujoco
import numpy as np

SOLVER, DAMPING, MOST_ITERATIONS = "daqp", 1e-6, 20


def main() -> None:
    """Answer until stdin ends."""
    folder = Path(sys.argv[1])
    given = np.load(folder / "goals.npz")
    model = mujoco.MjModel.from_xml_path(str(folder / "robot.urdf"))
    tasks = [
        mink.FrameTask(
            str(name), "body", position_cost=float(cost[0]), orientation_cost=float(cost[1])
        )
        for name, cost in zip(given["frame_names"], given["cost"], strict=True)
    ]
    limits = [mink.ConfigurationLimit(model)]
    goals = [[mink.SE3(wxyz_xyz=pose) for pose in row] for row in given["wxyz_xyz"]]
    ends = [i for i, cost in enumerate(given["cost"]) if cost[0] > 0.0]
    for line in sys.stdin:
        settings = json.loads(line)
        tolerance = np.outer(given["limb_m"], (settings["place_share"], 0.0))
        tolerance[:, 1] = settings["turn_rad"]
        configuration = mink.Configuration(model)
        left, iterations = np.empty((len(goals), len(ends), 2)), 0
        start = 0.0
        for t, row in enumerate(goals):
            if t == 1:  # the first frame is not a continuation, and not counted
                start, iterations = time.process_time(), 0
            for task, goal in zip(tasks, row, strict=True):
                task.set_target(goal)
            for _ in range(MOST_ITERATIONS):
                velocity = mink.solve_ik(
                    configuration, tasks, 1.0, SOLVER,
                    damping=DAMPING, limits=limits,
                )  # fmt: skip
                configuration.integrate_inplace(velocity, 1.0)
                iterations += 1
                for k, i in enumerate(ends):
                    error = tasks[i].compute_error(configuration)
                    left[t, k] = np.linalg.norm(error[:3]), np.linalg.norm(error[3:])
                if (left[t] <= tolerance).all():
                    break
        spent = time.process_time() - start
        answer = {
            "cpu_s": spent * len(goals) / (len(goals) - 1),
            "solver": SOLVER,
            "damping": DAMPING,
            "iterations_per_frame": iterations / (len(goals) - 1),
            "left_pct_of_limb_p95": 100.0 * np.percentile(left[1:, :, 0] / given["limb_m"], 95),
            "left_rad_p95": np.percentile(left[1:, :, 1], 95),
        }
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
