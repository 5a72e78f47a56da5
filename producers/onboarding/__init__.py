"""From a robot's description (URDF, MJCF) to its embodiment."""
