"""Writes libs/detection/test/golden/drift-detectors.river.json: what River's drift detectors say on seeded streams.

    pip install river==0.26.1 && python libs/detection/testing/write_river_drift_detectors.py

A stream is parts of `samples` values, each uniform in [low, high), or 1 with probability `chance` and else 0; all numbers are
those of random.Random(seed).random(). Levels are kept where they change: [index, level]. Estimates: [index, width, estimate]
every 97 values; the estimate is the mean (ADWIN, Page-Hinkley), the error rate (DDM) or the mean distance of errors (EDDM).
"""

import json
import random
from pathlib import Path

import river
from river import drift

GOLDEN = Path(__file__).parent.parent / "test" / "golden" / "drift-detectors.river.json"


def values(seed, parts):
    chance = random.Random(seed)
    for part in parts:
        for _ in range(part["samples"]):
            number = chance.random()
            yield float(number < part["chance"]) if "chance" in part else part["low"] + (part["high"] - part["low"]) * number


def estimate(detector):
    if isinstance(detector, drift.ADWIN):
        return detector.width, detector.estimation
    mean = {"DDM": "_p", "PageHinkley": "_x_mean"}.get(type(detector).__name__)
    mean = getattr(detector, mean) if mean else detector._error_distances.mean
    return mean.n, mean.get()


def case(name, make, options, seed, parts):
    detector = make()
    levels, estimates, last = [], [], "stable"
    for index, value in enumerate(values(seed, parts)):
        detector.update(int(value) if isinstance(detector, (drift.binary.DDM, drift.binary.EDDM)) else value)
        level = "drift" if detector.drift_detected else "warning" if getattr(detector, "warning_detected", False) else "stable"
        if level != last:
            levels.append([index, level])
            last = level
        if index % 97 == 96:
            estimates.append([index, *estimate(detector)])
    return {"detector": name, "options": options, "seed": seed, "parts": parts, "levels": levels, "estimates": estimates}


def bits(*chances, samples=1000):
    return [{"samples": samples, "chance": chance} for chance in chances]


def uniform(*ranges, samples=1000):
    return [{"samples": samples, "low": low, "high": high} for low, high in ranges]


binary = drift.binary
cases = [
    case("adwin", drift.ADWIN, {"delta": 0.002}, 1, bits(0.2, 0.4, 0.1)),
    case("adwin", lambda: drift.ADWIN(delta=0.05), {"delta": 0.05}, 2, uniform((0, 1), (0.2, 1.2), (-3, 3), (5, 6))),
    case("adwin", drift.ADWIN, {"delta": 0.002}, 3, uniform((0, 1), samples=5000)),
    case("ddm", binary.DDM, {}, 4, bits(0.2, 0.4, 0.1, 0.8)),
    case("ddm", binary.DDM, {}, 5, bits(0, 0.01, 0.05, samples=600)),
    case("eddm", binary.EDDM, {}, 6, bits(0.2, 0.5, 0.1)),
    case("eddm", binary.EDDM, {}, 7, bits(0.01, 0.3)),
    case("page-hinkley", drift.PageHinkley, {}, 8, uniform((0, 1), (0.5, 1.5), (-1, 0))),
    case("page-hinkley", drift.PageHinkley, {}, 9, bits(0.3, 0.3, 0.9, 0.1)),
]
GOLDEN.write_text(json.dumps({"reference": f"river {river.__version__}", "cases": cases}) + "\n")
