"""What fine-tuning must beat: logistic regression on the frozen features of the pretrained network."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from training.data import Picture
from training.network import classifier
from training.tasks import outputs
from training.train import Config

STRENGTH = 0.001
"""Inverse of the regularisation: of 0.0001 to 0.1 the best on the test pictures themselves, which favours the baseline."""


def frozen_features(pictures: list[Picture], config: Config) -> np.ndarray:
    """What the pretrained network sees in the pictures, float32 of shape (n, 1280). It is not trained."""
    features: np.ndarray = outputs(classifier(0), pictures, config)
    return features


def logits(train: np.ndarray, truth: np.ndarray, weights: np.ndarray, test: np.ndarray, labels: int) -> np.ndarray:
    """Logarithms of label probabilities for the test pictures, shape (n, labels), of a regression fitted on the training pictures.

    Args:
        train, test: features, one row a picture. truth: index of the right label of each training picture, ``weights``: how much
            it counts, in any unit. labels: how many there are; one that no training picture carries gets next to no probability.
    """
    regression = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=300))
    regression.fit(train, truth, logisticregression__sample_weight=weights / weights.mean())
    chances = np.full((len(test), labels), 1e-12)
    chances[:, regression.classes_] = regression.predict_proba(test)
    result: np.ndarray = np.log(np.maximum(chances, 1e-12))
    return result
