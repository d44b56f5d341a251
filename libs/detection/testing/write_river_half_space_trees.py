"""Writes libs/detection/test/golden/half-space-trees.river.json: scores of River's half-space trees on seeded streams.

    pip install river==0.26.1 && python libs/detection/testing/write_river_half_space_trees.py

A missing feature is null. Each sample is scored, then learned.
"""

import json
import math
import random
from pathlib import Path

import river
from river.anomaly import HalfSpaceTrees

GOLDEN = Path(__file__).parent.parent / "test" / "golden" / "half-space-trees.river.json"


def case(name, samples, **parameters):
    limits = parameters.pop("limits", None)
    named = limits and {f"f{i}": tuple(limit) for i, limit in enumerate(limits)}
    model = HalfSpaceTrees(**parameters, limits=named)
    scores = []
    for sample in samples:
        features = {f"f{i}": value for i, value in enumerate(sample) if value is not None}
        scores.append(model.score_one(features))
        model.learn_one(features)
    return {"name": name, **parameters, "limits": limits or [[0, 1]] * len(samples[0]), "samples": samples, "scores": scores}


def stream(rows, features, scale=1.0, offset=0.0):
    chance = random.Random(rows * features)
    return [
        [round(offset + scale * (0.5 + 0.3 * math.sin(row / 20 + f) + 0.1 * (chance.random() - 0.5)), 6) for f in range(features)]
        for row in range(rows)
    ]


def with_gaps(samples):
    """All features in the first sample, because River grows its trees on the features that it sees there."""
    chance = random.Random(7)
    return [samples[0]] + [[None if chance.random() < 0.3 else value for value in sample] for sample in samples[1:]]


documented = [[x] for x in (0.5, 0.45, 0.43, 0.44, 0.445, 0.45, 0.0)]
cases = [
    case("as documented", documented, n_trees=5, height=3, window_size=3, seed=42),
    case("one feature", stream(600, 1), n_trees=25, height=8, window_size=250, seed=1),
    case("three features, beyond their limits too", stream(300, 3, 1.3, -0.2), n_trees=10, height=6, window_size=100, seed=0),
    case(
        "limits of their own",
        stream(300, 2, 80, -20),
        n_trees=10,
        height=5,
        window_size=50,
        limits=[[-20, 60], [0, 100]],
        seed=2**32 + 5,
    ),
    case("features that come and go", with_gaps(stream(300, 3)), n_trees=10, height=6, window_size=60, seed=9),
    case("deep trees and a wide window", stream(650, 1), n_trees=3, height=12, window_size=300, seed=3),
]
GOLDEN.write_text(json.dumps({"reference": f"river {river.__version__}", "cases": cases}) + "\n")
