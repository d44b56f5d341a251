"""Golden numbers for point-accuracy.test.ts and range-auc.test.ts; with scikit-learn 1.9.1 and numpy 2.4.6:

    python3 libs/evaluation/testing/write_scikit_learn_report.py > libs/evaluation/test/golden/scikit-learn.json
"""
import json

import numpy as np
import sklearn
from sklearn.metrics import average_precision_score, classification_report, confusion_matrix

cases = []
for seed, rows, share in ((1, 400, 0.1), (2, 1000, 0.02), (3, 50, 0.5)):
    random = np.random.default_rng(seed)
    actual = (random.random(rows) < share).astype(int)
    scores = np.round(random.random(rows) + 0.6 * actual, 3)
    predicted = (scores > 1).astype(int)
    report = classification_report(actual, predicted, output_dict=True, zero_division=0)
    cases.append(
        {
            "actual": actual.tolist(),
            "scores": scores.tolist(),
            "confusion": confusion_matrix(actual, predicted, labels=[0, 1]).tolist(),
            "report": {name: report[name] for name in ("0", "1", "macro avg", "weighted avg")},
            "averagePrecision": average_precision_score(actual, scores),
        }
    )
print(json.dumps({"scikit-learn": sklearn.__version__, "cases": cases}))
