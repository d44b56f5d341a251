"""Samples per CPU second of River's models: river_speed.py half-space-trees FEATURES | river_speed.py adwin.

Prints {"samplesPerSecond": …}. The data are those of the benches beside the models.
"""

import json
import math
import random
import sys
import time

from river import anomaly, drift


def half_space_trees(features):
    model = anomaly.HalfSpaceTrees(n_trees=25, height=8, window_size=250, seed=1)
    chance = random.Random(2)
    points = [
        {f: 0.5 + 0.3 * math.sin(i / 40) + 0.1 * (chance.random() - 0.5) for f in range(features)} for i in range(4096)
    ]

    def update():
        for point in points:
            model.score_one(point)
            model.learn_one(point)
        return len(points)

    return update


def adwin():
    chance = random.Random(2)
    values = [chance.random() for _ in range(100_000)]
    detector = drift.ADWIN()

    def update():
        for value in values:
            detector.update(value)
        return len(values)

    return update


def samples_per_second(update, rounds=3, round_seconds=1.0):
    update()
    rates = []
    for _ in range(rounds):
        samples, start = 0, time.process_time()
        while time.process_time() - start < round_seconds:
            samples += update()
        rates.append(samples / (time.process_time() - start))
    return sorted(rates)[rounds // 2]


model, *arguments = sys.argv[1:]
update = adwin() if model == "adwin" else half_space_trees(int(arguments[0]))
print(json.dumps({"samplesPerSecond": samples_per_second(update)}))
