"""What names say: words for body parts, and the letters by which partners of two sides differ.

Names are votes, never proof: makers call an upper-arm rotation "elbow pitch", and a wheeled torso's
folding joints knee and ankle. A vote is weighed against geometry by whoever asks for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Final

_TOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_AXIS_LETTERS: Final = "xyz"

# Words of robot makers, anatomists and animators, in the languages makers write; "=" marks words
# that count alone only.
WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "shoulder": ("shoulder", "sho", "shld", "sh", "clavicle", "collar", "scapula", "upperarm",
                 "humerus", "jian", "kata", "hombro", "epaule", "schulter", "spalla"),
    "elbow": ("elbow", "elb", "el", "zhou", "hiji", "codo", "coude", "ellbogen", "gomito"),
    "wrist": ("wrist", "wirst", "wri", "wr", "forearm", "lowerarm", "uw", "lw", "mw", "wan",
              "tekubi", "muneca", "poignet", "handgelenk", "polso"),
    "arm": ("arm", "humerus", "bicep", "=bi", "=ude", "brazo", "bras", "braccio"),
    "hip": ("hip", "thigh", "hp", "femur", "haa", "hfe", "kuan", "datui", "cadera", "hanche",
            "huefte", "=anca"),
    "knee": ("knee", "kne", "kn", "calf", "shank", "shin", "tibia", "kfe", "=xi", "xiguan",
             "xiaotui", "hiza", "rodilla", "genou", "knie", "ginocchio"),
    "ankle": ("ankle", "ankel", "ank", "ak", "foot", "feet", "toe", "sole", "tarsus", "huai",
              "ashikubi", "tobillo", "cheville", "knoechel", "caviglia"),
    "leg": ("leg", "=tui", "=ashi", "=bein", "jambe", "pierna", "gamba"),
    "waist": ("waist", "torso", "trunk", "lumbar", "spine", "back", "chest", "abs", "bust", "body",
              "abdomen", "thorax", "thoracic", "=yao", "yaobu", "youtsui", "cintura", "taille",
              "=vita"),
    "neck": ("neck", "head", "=pan", "=tilt", "skull", "cervical", "=jing", "=tou", "=kubi",
             "atama", "=hals", "=kopf", "=cou", "=tete", "cuello", "cabeza", "=collo", "=testa"),
    "finger": ("finger", "thumb", "index", "middle", "=ring", "pinky", "little", "claw", "jaw",
               "knuckle", "metacarpal", "=zhi", "shouzhi", "=yubi", "doigt", "=dedo", "=dito"),
    "grip": ("gripper", "grasper", "grip", "jiazhua"),
    "hand": ("gripper", "grasper", "grip", "jiazhua", "hand", "palm", "=shou", "=mano"),
    "wheel": ("wheel", "caster", "castor", "steer", "chassis", "mecanum"),
    "lift": ("lift", "elevator", "column"),
    "base": ("world", "base", "floating", "planar", "virtual", "root", "odom"),
    "sensor": ("camera", "cam", "lidar", "laser", "range", "antenna", "=eye", "eyelid", "sensor",
               "imu", "=ear", "mouth"),
}  # fmt: skip
_TURNS = ("roll", "pitch", "yaw", "flex", "flexion", "rotate", "rotation", "deviation", "prosup")
_OF_SIDES = ((("left", "l"), ("right", "r")), (("zuo",), ("you",)))
# Whole words that say a side, left and right.
_SIDE_WORDS: Final = (
    ("left", "right"), ("l", "r"), ("zuo", "you"), ("hidari", "migi"), ("links", "rechts"),
    ("gauche", "droite"), ("gauche", "droit"), ("izquierda", "derecha"), ("izquierdo", "derecho"),
    ("izq", "der"), ("sinistra", "destra"), ("sinistro", "destro"), ("sx", "dx"), ("lft", "rgt"),
)  # fmt: skip


def tokens(name: str) -> list[str]:
    """Lower-case words of a name: cut at digits, punctuation and capitals."""
    return [t.lower() for t in _TOKEN.findall(name)]


def speaks_of(name: str, part: str) -> bool:
    """Whether a name holds one of a part's words, alone, with a side's letter or an axis's."""
    words = WORDS[part]
    parts = tokens(name)
    joined = [a + b for a, b in pairwise(parts)]
    return any(_matches(token, word) for token in (*parts, *joined) for word in words)


def _matches(token: str, word: str) -> bool:
    if word.startswith("="):
        return token == word[1:]
    if token == word or (len(word) >= 5 and word in token):
        return True
    if len(word) >= 3 and (token.endswith(word) or (len(word) == 4 and token.startswith(word))):
        return True
    bare = {token[1:] if token[:1] in "lr" else token, token[:-1] if token[-1:] in "lr" else token}
    bare |= {t[:-1] for t in bare | {token} if len(t) == 3 and t[-1] in _AXIS_LETTERS}
    return word in bare


def says_turn(name: str) -> bool:
    """Whether a name tells a rotation, as joints of wrists do and those of grippers do not."""
    return any(t in turn or turn in t for t in tokens(name) if len(t) >= 3 for turn in _TURNS)


def share(names: Iterable[str], part: str) -> float:
    """Share of the names that speak of a part; 0 for no names."""
    votes = [speaks_of(name, part) for name in names]
    return sum(votes) / len(votes) if votes else 0.0


def side_by_difference(a: str, b: str) -> int:
    """Which of two partners is the left one, by the letters in which their names differ.

    "LL_HR" and "LR_HR", "legl" and "legr", "la1" and "ra1" need no list of styles; numbers may
    differ freely.

    Returns:
        +1 if `a` is left, -1 if `b` is, 0 if the names do not tell.
    """
    one, two = (re.sub(r"\d+", "#", name.lower()) for name in (a, b))
    start = 0
    while start < min(len(one), len(two)) and one[start] == two[start]:
        start += 1
    one, two = one[start:], two[start:]
    while one and two and one[-1] == two[-1]:
        one, two = one[:-1], two[:-1]
    for left, right in _OF_SIDES:
        for left_is, p, q in ((1, one, two), (-1, two, one)):
            if p.startswith(left) and q.startswith(right):
                return left_is
    return _by_words(a, b)


def _by_words(a: str, b: str) -> int:
    """The same by whole words that say a side, in two names of as many words."""
    one, two = tokens(a), tokens(b)
    for p, q in zip(one, two, strict=True) if len(one) == len(two) else ():
        for left, right in _SIDE_WORDS:
            if (p, q) in ((left, right), (right, left)):
                return 1 if p == left else -1
    return 0


def same_but_side(a: str, b: str) -> bool:
    """Whether two names are one name said of two sides."""
    return side_by_difference(a, b) != 0 and len(tokens(a)) == len(tokens(b))


def side_of(name: str) -> int:
    """+1 left, -1 right, 0 neither: by a token that is a side's word or letter alone."""
    found = 0
    for token in tokens(name):
        for sign, words in zip((1, -1), zip(*_SIDE_WORDS, strict=True), strict=True):
            found = found or (sign if token in words else 0)
    return found
