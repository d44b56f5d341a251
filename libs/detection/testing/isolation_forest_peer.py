"""scikit-learn's isolation forest on the rows of isolation-forest-rows.ts.

    pip install scikit-learn==1.9.1
    python libs/detection/testing/isolation_forest_peer.py golden   writes test/golden/isolation-forest.scikit-learn.json
    python libs/detection/testing/isolation_forest_peer.py speed    prints rows per CPU second of fit and of scoring
"""

import json
import random
import sys
import time
from pathlib import Path

import numpy
import sklearn
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score

GOLDEN = Path(__file__).parent.parent / "test" / "golden" / "isolation-forest.scikit-learn.json"
SEEDS = range(10)


def rows(seed, usual, unusual, channels):
    """Two round clouds, and rows from the whole box around them; the unusual rows come last."""
    chance = random.Random(seed)
    made = []
    for row in range(usual):
        centre = 1.0 if row % 3 == 0 else -1.0
        made.append([centre + sum(chance.random() for _ in range(4)) - 2 for _ in range(channels)])
    made += [[8 * chance.random() - 4 for _ in range(channels)] for _ in range(unusual)]
    return numpy.array(made)


def auc(name, seed, usual, unusual, channels):
    data = rows(seed, usual, unusual, channels)
    labels = [0] * usual + [1] * unusual
    aucs = [
        roc_auc_score(labels, -IsolationForest(n_estimators=100, max_samples=256, random_state=s).fit(data).score_samples(data))
        for s in SEEDS
    ]
    shape = {"seed": seed, "usual": usual, "unusual": unusual, "channels": channels}
    return {"name": name, **shape, "auc": float(numpy.mean(aucs)), "spread": float(numpy.std(aucs))}


def speed():
    data = rows(1, 19_000, 1000, 8)
    start = time.process_time()
    forest = IsolationForest(n_estimators=100, max_samples=256, contamination=0.01, random_state=1, n_jobs=1).fit(data)
    fitted = time.process_time()
    forest.score_samples(data)
    scored = time.process_time()
    return {"fitRowsPerSecond": len(data) / (fitted - start), "scoreRowsPerSecond": len(data) / (scored - fitted)}


if sys.argv[1] == "speed":
    speed()
    print(json.dumps(speed()))
else:
    cases = [
        auc("few unusual rows", 1, 1900, 100, 3),
        auc("many unusual rows", 2, 800, 200, 2),
        auc("many channels", 3, 950, 50, 12),
        auc("fewer rows than a sample", 4, 150, 10, 4),
    ]
    GOLDEN.write_text(json.dumps({"reference": f"scikit-learn {sklearn.__version__}", "cases": cases}) + "\n")
