"""Programs of other projects' solvers, each run in an environment of its own; none imports ours."""
