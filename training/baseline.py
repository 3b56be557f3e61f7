"""What fine-tuning must beat: logistic regression on the frozen features of the pretrained network."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from training.data import Part, Picture
from training.train import Config, network, outputs


def frozen_features(parts: dict[Part, list[Picture]], labels: list[str], config: Config) -> np.ndarray:
    """Label probabilities of the baseline for the test part, shape (n, labels), fitted on the train part."""
    net = network(0)
    features, test = outputs(net, parts["train"], config), outputs(net, parts["test"], config)
    truth = np.array([labels.index(p.label) for p in parts["train"]])
    regression = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=300))
    chances: np.ndarray = regression.fit(features, truth).predict_proba(test)
    return chances
