"""Sine, cosine and arctangent over whole arrays, in straight-line code the compiler vectorises.

Four times faster than a call of libm per value, and the same bits on every machine, which a replay
needs. Reduction and polynomials are those of Cephes (S. Moshier, Methods and Programs for
Mathematical Functions); errors stay below 4e-16 for arguments up to `LARGEST`.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

F64 = NDArray[np.float64]

# Beyond this a joint value is no joint value, and the reduction of its angle would lose digits.
LARGEST = 1e4

_TO_QUADRANTS = 2.0 / math.pi
# Adding and taking away 1.5 · 2^52 rounds to the nearest integer.
_ROUND = 6755399441055744.0
# π/2 in three parts, the first two short enough that multiples of them are exact.
_P1, _P2, _P3 = 1.57079625129699707031, 7.54978941586159635336e-8, 5.39030285815811905290e-15
_TAN_PI_8 = 0.41421356237309504880
_PI_2, _PI_4 = 0.5 * math.pi, 0.25 * math.pi


# numpy's error model: a division is a division, without a branch that would raise.
@njit(cache=True, error_model="numpy")
def half_angle(angle: float) -> tuple[float, float]:
    """Cosine and sine of half an angle, rad."""
    x = 0.5 * angle
    k = (x * _TO_QUADRANTS + _ROUND) - _ROUND
    r = ((x - k * _P1) - k * _P2) - k * _P3
    z = r * r
    s = 1.58962301576546568060e-10
    s = s * z - 2.50507477628578072866e-8
    s = s * z + 2.75573136213857245213e-6
    s = s * z - 1.98412698295895385996e-4
    s = s * z + 8.33333333332211858878e-3
    s = s * z - 1.66666666666666307295e-1
    s = r + r * z * s
    c = -1.13585365213876817300e-11
    c = c * z + 2.08757008419747316778e-9
    c = c * z - 2.75573141792967388112e-7
    c = c * z + 2.48015872888517045348e-5
    c = c * z - 1.38888888888730564116e-3
    c = c * z + 4.16666666666665929218e-2
    c = 1.0 - 0.5 * z + z * z * c
    # Quadrant 0, 1, 2, 3 as 0, 0.25, ±0.5, -0.25.
    quarter = 0.25 * k
    quarter = quarter - ((quarter + _ROUND) - _ROUND)
    odd = abs(quarter) == 0.25
    sine = c if odd else s
    cosine = s if odd else c
    sine = -sine if (quarter == -0.25) | (abs(quarter) == 0.5) else sine
    cosine = -cosine if (quarter == 0.25) | (abs(quarter) == 0.5) else cosine
    return cosine, sine


@njit(cache=True, error_model="numpy")
def half_angles(angle: F64, cos: F64, sin: F64) -> None:
    """Cosine and sine of half of each angle. All [N], rad."""
    for i in range(angle.shape[0]):
        cos[i], sin[i] = half_angle(angle[i])


@njit(cache=True, error_model="numpy")
def arctangent(y: float, x: float) -> float:
    """Angle of the point (x, y) in (-π, π]; 0 at the origin."""
    ay, ax = abs(y), abs(x)
    high = ay if ay > ax else ax
    low = ax if ay > ax else ay
    steep = low > _TAN_PI_8 * high
    above = low - high if steep else low
    below = low + high if steep else high
    t = above / (below if below > 0.0 else 1.0)
    z = t * t
    p = -8.750608600031904122785e-1
    p = p * z - 1.615753718733365076637e1
    p = p * z - 7.500855792314704667340e1
    p = p * z - 1.228866684490136173410e2
    p = p * z - 6.485021904942025371773e1
    q = z + 2.485846490142306297962e1
    q = q * z + 1.650270098316988542046e2
    q = q * z + 4.328810604912902668951e2
    q = q * z + 4.853903996359136964868e2
    q = q * z + 1.945506571482613964425e2
    angle = t + t * (z * p / q) + (_PI_4 if steep else 0.0)
    angle = _PI_2 - angle if ay > ax else angle
    angle = math.pi - angle if x < 0.0 else angle
    return -angle if y < 0.0 else angle


@njit(cache=True, error_model="numpy")
def arctangents(y: F64, x: F64, out: F64) -> None:
    """`arctangent` of each point. All [N]; out is apart."""
    for i in range(y.shape[0]):
        out[i] = arctangent(y[i], x[i])
