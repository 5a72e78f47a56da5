"""Definitions of the ROS 2 messages that an episode's MCAP holds (interfaces of ROS 2 Humble)."""

from __future__ import annotations

from typing import Final

_LINE = "=" * 80

_TIME = "int32 sec\nuint32 nanosec\n"
_HEADER = "builtin_interfaces/Time stamp\nstring frame_id\n"
_VECTOR = "float64 x\nfloat64 y\nfloat64 z\n"
_QUATERNION = "float64 x 0\nfloat64 y 0\nfloat64 z 0\nfloat64 w 1\n"
_PARTS = {
    "builtin_interfaces/Time": _TIME,
    "std_msgs/Header": _HEADER,
    "geometry_msgs/Vector3": _VECTOR,
    "geometry_msgs/Quaternion": _QUATERNION,
    "geometry_msgs/Transform": "Vector3 translation\nQuaternion rotation\n",
    "geometry_msgs/TransformStamped": (
        "std_msgs/Header header\nstring child_frame_id\nTransform transform\n"
    ),
}


def _with(text: str, *parts: str) -> str:
    """A definition followed by those it is made of, as MCAP's ros2msg encoding wants them."""
    return "".join([text, *(f"{_LINE}\nMSG: {part}\n{_PARTS[part]}" for part in parts)])


DEFINITIONS: Final = {
    "sensor_msgs/msg/JointState": _with(
        "std_msgs/Header header\nstring[] name\nfloat64[] position\nfloat64[] velocity\n"
        "float64[] effort\n",
        "std_msgs/Header",
        "builtin_interfaces/Time",
    ),
    "tf2_msgs/msg/TFMessage": _with(
        "geometry_msgs/TransformStamped[] transforms\n",
        "geometry_msgs/TransformStamped",
        "std_msgs/Header",
        "builtin_interfaces/Time",
        "geometry_msgs/Transform",
        "geometry_msgs/Vector3",
        "geometry_msgs/Quaternion",
    ),
    "sensor_msgs/msg/Imu": _with(
        "std_msgs/Header header\n"
        "geometry_msgs/Quaternion orientation\nfloat64[9] orientation_covariance\n"
        "geometry_msgs/Vector3 angular_velocity\nfloat64[9] angular_velocity_covariance\n"
        "geometry_msgs/Vector3 linear_acceleration\nfloat64[9] linear_acceleration_covariance\n",
        "std_msgs/Header",
        "builtin_interfaces/Time",
        "geometry_msgs/Quaternion",
        "geometry_msgs/Vector3",
    ),
    "rcl_interfaces/msg/Log": _with(
        "builtin_interfaces/Time stamp\nuint8 level\nstring name\nstring msg\nstring file\n"
        "string function\nuint32 line\n",
        "builtin_interfaces/Time",
    ),
}
"""By type name."""
