"""What may happen to a picture before the network sees it in training. The only module that knows albumentations."""

from __future__ import annotations

import os

import numpy as np

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would ask the network for its newest version

import albumentations as A
import cv2

cv2.setNumThreads(1)


class Augment:
    """Turns uint8 RGB of any shape into uint8 RGB of shape (side, side, 3), differently at each call.

    ``least_area`` is the smallest share of the picture that may be cut out: small for surfaces, which look the same
    everywhere, larger for animals, which would be cut away.
    """

    def __init__(self, side: int, *, least_area: float) -> None:
        self.pipeline = _pipeline(side, least_area)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """One augmented picture."""
        result: np.ndarray = self.pipeline(image=image)["image"]
        return result

    def seed(self, seed: int) -> None:
        """Start the random stream anew. albumentations has its own, which the global seeds of numpy and torch do not reach."""
        self.pipeline.set_random_seed(seed)


def _pipeline(side: int, least_area: float) -> A.Compose:
    return A.Compose([
        A.RandomResizedCrop(size=(side, side), scale=(least_area, 1.0), ratio=(0.6, 1.67)),
        A.D4(),
        A.RandomBrightnessContrast(brightness_limit=0.25, contrast_limit=0.3, p=0.6),
        A.HueSaturationValue(hue_shift_limit=12, sat_shift_limit=40, val_shift_limit=0, p=0.5),
        A.RandomGamma(gamma_limit=(70, 150), p=0.2),
        A.ToGray(p=0.1),
        A.RandomShadow(p=0.1),
        # Sources differ in sharpness; unless every label is seen sharp and soft, softness becomes a label.
        A.Downscale(
            scale_range=(0.2, 0.7), interpolation_pair={"downscale": cv2.INTER_AREA, "upscale": cv2.INTER_LINEAR}, p=0.35
        ),
        A.OneOf([A.MotionBlur(blur_limit=(3, 9)), A.GaussianBlur(blur_limit=(3, 7))], p=0.2),
        A.GaussNoise(std_range=(0.02, 0.1), p=0.2),
        A.ImageCompression(quality_range=(30, 95), p=0.4),
    ])  # fmt: skip
