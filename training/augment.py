"""What may happen to a picture before the network sees it in training. The only module that knows albumentations."""

from __future__ import annotations

import os

import numpy as np

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would ask the network for its newest version

import albumentations as A
import cv2

cv2.setNumThreads(1)


class Augment:
    """Turns uint8 RGB into uint8 RGB, differently at each call: light, colour, sharpness, noise and compression of a camera in a yard.

    With ``least_area`` a part of the picture is cut out too, at least this share of it, and brought to (side, side, 3): small for
    surfaces, which look the same everywhere, larger for animals, which would be cut away. Without it everything stays in its place,
    and small things stay visible: for composites, whose cells have labels.
    """

    def __init__(self, side: int, *, least_area: float | None = None) -> None:
        steps = _camera(gentle=least_area is None)
        if least_area is not None:
            steps = [A.RandomResizedCrop(size=(side, side), scale=(least_area, 1.0), ratio=(0.6, 1.67)), A.D4(), *steps]
        self.pipeline = A.Compose(steps)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """One augmented picture."""
        result: np.ndarray = self.pipeline(image=image)["image"]
        return result

    def seed(self, seed: int) -> None:
        """Start the random stream anew. albumentations has its own, which the global seeds of numpy and torch do not reach."""
        self.pipeline.set_random_seed(seed)


def _camera(*, gentle: bool) -> list[A.BasicTransform | A.BaseCompose]:
    return [
        A.RandomBrightnessContrast(brightness_limit=0.25, contrast_limit=0.3, p=0.6),
        A.HueSaturationValue(hue_shift_limit=12, sat_shift_limit=40, val_shift_limit=0, p=0.5),
        A.PlanckianJitter(p=0.15),  # yard light: sodium lamps to blue sky
        A.RandomGamma(gamma_limit=(70, 150), p=0.2),
        A.ToGray(p=0.08),
        A.RandomShadow(p=0.1),
        A.RandomSunFlare(flare_roi=(0, 0, 1, 1), src_radius=60, num_flare_circles_range=(1, 3), p=0.04),  # glare
        A.RandomFog(fog_coef_range=(0.05, 0.3), alpha_coef=0.1, p=0.04),  # dust
        # Sources differ in sharpness; unless every label is seen sharp and soft, softness becomes a label.
        A.Downscale(
            scale_range=(0.5, 0.9) if gentle else (0.2, 0.7),
            interpolation_pair={"downscale": cv2.INTER_AREA, "upscale": cv2.INTER_LINEAR}, p=0.35,
        ),
        A.OneOf([A.MotionBlur(blur_limit=(3, 5 if gentle else 9)), A.GaussianBlur(blur_limit=(3, 3 if gentle else 7))], p=0.2),
        A.GaussNoise(std_range=(0.01, 0.05 if gentle else 0.1), p=0.25),
        A.ImageCompression(quality_range=(40 if gentle else 30, 95), p=0.4),
    ]  # fmt: skip
