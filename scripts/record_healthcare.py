"""Record the healthcare table: nine classifiers of scikit-learn say malignant or benign about 569 breast tumours.

    python scripts/record_healthcare.py [folder]      (seconds; default folder helpers/aggregation/data)

The paper's healthcare set, ARMMAN (who will drop out of a maternal-health call programme), is private. This one stands
in for it: two options, tabular data, models of unequal accuracy. It shows what voting does with K = 2, not what the
paper's models do.

The design was fixed before any voting rule was run. A classifier that saw all 30 columns and 512 patients would be
right on 95 to 98 % and leave voting nothing to do, so each is weakened, openly, in two ways only: COLUMNS it may look
at, and `rows`, how many patients of the other folds it may learn from. No answer is altered. Every answer is out of
fold: the ten folds are stratified, drawn once, and a patient's answer comes from a classifier that learnt from the
other nine. Columns are standardised with the learning patients' mean and spread.
"""
from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from helpers.aggregation.files import DATA, write_csv

FOLDS, SEED = 10, 20_251_001
COLUMNS = {  # indices into load_breast_cancer().feature_names
    "texture": (1, 21),
    "surface": (4, 8, 9),  # mean smoothness, symmetry, fractal dimension
    "errors": (11, 14, 18, 19),  # spread of texture, smoothness, symmetry, fractal dimension
    "shape": (5, 6, 7, 8),  # mean compactness, concavity, concave points, symmetry
    "size": (0, 2, 3),  # mean radius, perimeter, area
    "worst surface": (24, 28, 29),
}


@dataclass(frozen=True)
class Classifier:
    """One voter: its kind, the group of columns it sees and the number of patients it learns from in each fold."""

    name: str
    model: BaseEstimator
    columns: str
    rows: int


CLASSIFIERS = (
    Classifier("logistic-texture", LogisticRegression(), "texture", 400),
    Classifier("bayes-surface", GaussianNB(), "surface", 400),
    Classifier("tree-errors", DecisionTreeClassifier(max_depth=4, random_state=0), "errors", 400),
    Classifier("forest-shape", RandomForestClassifier(30, max_depth=4, random_state=0), "shape", 60),
    Classifier("svm-worst-surface", SVC(), "worst surface", 400),
    Classifier("neighbours-surface", KNeighborsClassifier(5), "surface", 200),
    Classifier("logistic-size", LogisticRegression(), "size", 40),
    Classifier("network-texture", MLPClassifier((16,), max_iter=2000, random_state=0), "texture", 80),
    Classifier("tree-shape", DecisionTreeClassifier(max_depth=2, random_state=0), "shape", 30),
)


def answers_out_of_fold(classifier: Classifier, features, truth, seed: int):
    """Return the classifier's answer for every patient, (patients,), each learnt from other folds only."""
    answers = np.full(len(truth), -1)
    columns = features[:, COLUMNS[classifier.columns]]
    rng = np.random.default_rng(seed)
    for learn, ask in StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(features, truth):
        rows = rng.permutation(learn)[:classifier.rows]
        model = make_pipeline(StandardScaler(), clone(classifier.model)).fit(columns[rows], truth[rows])
        answers[ask] = model.predict(columns[ask])
    return answers


def main(folder=DATA):
    features, truth = load_breast_cancer(return_X_y=True)  # truth: 0 malignant, 1 benign
    columns = [answers_out_of_fold(c, features, truth, SEED + i) for i, c in enumerate(CLASSIFIERS)]
    rows = [[f"patient-{i:03d}", "AB"[t], 2, *("AB"[a] for a in line)]
            for i, (t, line) in enumerate(zip(truth, np.stack(columns, 1)))]
    path = Path(folder) / "healthcare.csv"
    write_csv(path, ["question_id", "gold", "n_options", *(c.name for c in CLASSIFIERS)], rows)
    for classifier, column in zip(CLASSIFIERS, columns):
        print(f"{classifier.name:20s} right {np.mean(column == truth):.3f}   says benign {column.mean():.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
