"""Scores of the unknown, against their published implementation, and their judge, against scikit-learn and by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

pytest.importorskip("scipy", reason="needs the extra train")

from training import unknown

LABELS, SIZE = 6, 24
SOME = np.random.default_rng(0).normal(0, 1, (40, SIZE))


@pytest.fixture
def layer() -> dict[str, np.ndarray]:
    """A last layer, training features (clusters by label), and features like them and unlike them, with their logits.

    All of float32: as a network gives them, and so that both implementations read the same numbers. The spread falls off from
    direction to direction, as it does in a network: where two are alike, the rounding of float32 mixes them up in the published one.
    """
    rng = np.random.default_rng(1)
    truth = np.arange(600) % LABELS
    weight, bias = rng.normal(0, 1, (LABELS, SIZE)), rng.normal(0, 0.5, LABELS)
    features = weight[truth] + rng.normal(0, 1, (600, SIZE)) * np.geomspace(3, 0.3, SIZE)
    other = np.concatenate([features[:50] + rng.normal(0, 0.3, (50, SIZE)), rng.normal(0, 2, (50, SIZE))])
    arrays = {"features": features, "other": other, "weight": weight, "bias": bias}
    arrays = {key: value.astype(np.float32) for key, value in arrays.items()}
    for key, source in (("logits", "features"), ("other_logits", "other")):
        arrays[key] = arrays[source] @ arrays["weight"].T + arrays["bias"]
    return arrays | {"truth": truth}


@pytest.fixture(scope="module")
def published() -> Any:
    pytest.importorskip("torch", reason="needs the extra train")
    return pytest.importorskip("pytorch_ood.detector", reason="needs the extra test")


def tensor(array: np.ndarray) -> Any:
    import torch

    return torch.from_numpy(array)


def test_softmax_as_published(layer: dict[str, np.ndarray], published: Any) -> None:
    expected = 1 + published.MaxSoftmax.score(tensor(layer["other_logits"])).numpy()
    np.testing.assert_allclose(unknown.softmax_score(layer["other_logits"]), expected, atol=1e-4)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_energy_as_published(layer: dict[str, np.ndarray], published: Any, temperature: float) -> None:
    expected = published.EnergyBased.score(tensor(layer["other_logits"]), t=temperature).numpy()
    np.testing.assert_allclose(unknown.energy_score(layer["other_logits"], temperature), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("dimensions", "exact"), [(1, False), (5, False), (12, False), (1, True), (12, True), (SIZE - 1, True)])
def test_vim_as_published(
    layer: dict[str, np.ndarray], published: Any, monkeypatch: pytest.MonkeyPatch, dimensions: int, exact: bool
) -> None:
    """Theirs calculates in float32, which leaves few digits where few directions are left; ``exact``: in float64."""
    if exact:
        import torch

        monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
        layer = {key: value.astype(np.float64) if value.dtype == np.float32 else value for key, value in layer.items()}
        layer |= {
            f"{key}logits": layer[source] @ layer["weight"].T + layer["bias"] for key, source in (("", "features"), ("other_", "other"))
        }
    theirs = published.ViM(None, dimensions, tensor(layer["weight"]), tensor(layer["bias"]))
    theirs.fit_features(tensor(layer["features"]), tensor(layer["truth"]))
    expected = theirs.predict_features(tensor(layer["other"])).numpy()
    ours = unknown.Vim.fit(layer["features"], layer["logits"], layer["weight"], layer["bias"], dimensions)
    tolerance = 1e-9 if exact else 1e-4
    np.testing.assert_allclose(ours.score(layer["other"], layer["other_logits"]), expected, rtol=tolerance, atol=tolerance)


def test_mahalanobis_as_published(layer: dict[str, np.ndarray], published: Any) -> None:
    """Theirs is half the distance, by a covariance that is not divided by the pictures."""
    theirs = published.Mahalanobis(None).fit_features(tensor(layer["features"]), tensor(layer["truth"]))
    expected = theirs.predict_features(tensor(layer["other"])).numpy() * 2 * len(layer["truth"])
    ours = unknown.Mahalanobis.fit(layer["features"], layer["truth"])
    np.testing.assert_allclose(ours.score(layer["other"]), expected, rtol=1e-4)


@pytest.mark.parametrize("gap", [40, 100, 700])
def test_very_sure_inputs_keep_their_order(gap: float) -> None:
    scores = unknown.softmax_score(np.array([[gap, 0.0, 0.0], [gap + 1, 0.0, 0.0]]))
    assert scores[0] > scores[1] > 0


def test_energy_of_great_logits_is_finite() -> None:
    assert unknown.energy_score(np.array([[1e4, 1e4], [-1e4, -1e4]])) == pytest.approx([-1e4 - math.log(2), 1e4 - math.log(2)])


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan])
def test_energy_needs_a_temperature(temperature: float) -> None:
    with pytest.raises(ValueError, match="above zero"):
        unknown.energy_score(np.zeros((1, 2)), temperature)


def test_no_input_has_no_score(layer: dict[str, np.ndarray]) -> None:
    none, features = np.empty((0, LABELS)), np.empty((0, SIZE))
    vim = unknown.Vim.fit(layer["features"], layer["logits"], layer["weight"], layer["bias"], 5)
    assert unknown.softmax_score(none).shape == unknown.energy_score(none).shape == (0,)
    assert vim.score(features, none).shape == (0,)
    assert unknown.Mahalanobis.fit(layer["features"], layer["truth"]).score(features).shape == (0,)


@pytest.mark.parametrize(
    ("features", "top", "dimensions", "message"),
    [
        (SOME[:0], 1.0, 3, "no picture"),
        (SOME, 1.0, 0, "at least one and not all"),
        (SOME, 1.0, SIZE, "at least one and not all"),
        (SOME, -1.0, 3, "log probabilities"),
        (np.ones_like(SOME), 1.0, 3, "no spread beyond 3"),
        (np.pad(SOME[:, :3], ((0, 0), (0, SIZE - 3))), 1.0, 3, "no spread beyond 3"),
    ],
)
def test_vim_refuses(features: np.ndarray, top: float, dimensions: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        unknown.Vim.fit(features, np.full((len(features), 2), top), np.zeros((2, SIZE)), np.zeros(2), dimensions)


@pytest.mark.parametrize(("features", "message"), [(SOME[:0], "no picture"), (np.ones_like(SOME), "same features")])
def test_mahalanobis_refuses(features: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        unknown.Mahalanobis.fit(features, np.zeros(len(features), int))


def test_mahalanobis_with_fewer_pictures_than_dimensions() -> None:
    """What varies in a way that training never did is far away, and labels without pictures are passed over."""
    few = unknown.Mahalanobis.fit(SOME[:10], np.array([0, 0, 0, 0, 0, 4, 4, 4, 4, 4]))
    assert few.centres.shape == (2, SIZE)
    assert few.score(SOME[10:]).min() > few.score(SOME[:10]).max() > 0


@pytest.mark.parametrize(
    ("known", "strange", "area", "passed"),
    [
        ([0, 1, 2], [3, 4], 1.0, 0.0),
        ([3, 4], [0, 1, 2], 0.0, 1.0),
        ([1, 3], [2, 2], 0.5, 1.0),
        ([1, 1, 1], [1, 1], 0.5, 1.0),
        ([0, 1], [1, 2], 7 / 8, 0.5),
        ([-math.inf, 0], [math.inf], 1.0, 0.0),
        (list(range(100)), [93, 94, 95, 96], (93.5 + 94.5 + 95.5 + 96.5) / 400, 0.5),
        (list(range(20)), [17, 18, 19], (17.5 + 18.5 + 19.5) / 60, 2 / 3),
    ],
)
def test_judges_by_hand(known: list[float], strange: list[float], area: float, passed: float) -> None:
    assert unknown.auroc(np.array(known), np.array(strange)) == pytest.approx(area)
    assert unknown.fpr_at_95(np.array(known), np.array(strange)) == pytest.approx(passed)


@pytest.mark.parametrize("steps", [2, 5, 50, 10**6])
def test_auroc_as_in_scikit_learn(steps: int) -> None:
    """The fewer the steps, the more ties."""
    metrics = pytest.importorskip("sklearn.metrics", reason="needs the extra train")
    rng = np.random.default_rng(steps)
    known, strange = np.floor(rng.beta(2, 3, 500) * steps), np.floor(rng.beta(3, 2, 70) * steps)
    expected = metrics.roc_auc_score(np.arange(570) >= 500, np.concatenate([known, strange]))
    assert unknown.auroc(known, strange) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("steps", [2, 5, 50, 10**6])
def test_fpr_as_published(steps: int, published: Any) -> None:
    """They call the unknown positive, and keep 95 % of it: the same with the roles changed and the scores turned round."""
    from pytorch_ood.metrics.functional import fpr_at_tpr

    rng = np.random.default_rng(steps)
    known, strange = np.floor(rng.beta(2, 3, 500) * steps), np.floor(rng.beta(3, 2, 70) * steps)
    expected = fpr_at_tpr(tensor(-np.concatenate([known, strange])), tensor(np.where(np.arange(570) < 500, -1, 0)))
    assert unknown.fpr_at_95(known, strange) == pytest.approx(float(expected), abs=1e-12)


@pytest.mark.parametrize("judge", [unknown.auroc, unknown.fpr_at_95])
def test_judges_of_nothing(judge: unknown.Measure) -> None:
    some, none = np.arange(3.0), np.empty(0)
    assert math.isnan(judge(some, none))
    assert math.isnan(judge(none, some))
    with pytest.raises(ValueError, match="not a number"):
        judge(some, np.array([1.0, math.nan]))


def inputs(n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Whether each of n inputs is unknown, and a score that half knows it."""
    rng = np.random.default_rng(2)
    strange = np.arange(n) % 8 < 2
    return strange, rng.normal(0, 1, n) + strange


def test_compare() -> None:
    strange, score = inputs()
    result = unknown.compare({"good": score, "blind": np.zeros(400), "perfect": strange * 1.0}, strange, [f"{i // 4}" for i in range(400)])
    assert list(result) == ["good", "blind", "perfect"]
    assert result["good"]["auroc"]["value"] == round(unknown.auroc(score[~strange], score[strange]), 4)
    for entry in result["good"].values():
        low, high = entry["interval"]
        assert low < entry["value"] < high
    assert result["blind"] == {"auroc": {"value": 0.5, "interval": [0.5, 0.5]}, "fpr_at_95": {"value": 1.0, "interval": [1.0, 1.0]}}
    assert result["perfect"] == {"auroc": {"value": 1.0, "interval": [1.0, 1.0]}, "fpr_at_95": {"value": 0.0, "interval": [0.0, 0.0]}}


def test_units_are_drawn_whole() -> None:
    """Each input five times over in one unit is no surer than each once; in five units it seems so."""
    strange, score = inputs(64)
    often, scores = np.repeat(strange, 5), {"s": np.repeat(score, 5)}
    once = unknown.compare({"s": score}, strange, [f"{i:03}" for i in range(64)])["s"]["auroc"]
    whole = unknown.compare(scores, often, [f"{i // 5:03}" for i in range(320)])["s"]["auroc"]
    single = unknown.compare(scores, often, [f"{i:03}" for i in range(320)])["s"]["auroc"]
    assert whole == once
    assert np.diff(whole["interval"]) > 1.6 * np.diff(single["interval"])


@pytest.mark.parametrize("strange", [np.zeros(4, bool), np.ones(4, bool), np.empty(0, bool)])
def test_compare_without_known_or_without_unknown(strange: np.ndarray) -> None:
    result = unknown.compare({"s": np.arange(float(len(strange)))}, strange, ["u"] * len(strange))
    nothing = {"value": None, "interval": [None, None]}
    assert result == {"s": {"auroc": nothing, "fpr_at_95": nothing}}


def test_compare_refuses_lengths_that_differ() -> None:
    with pytest.raises(ValueError, match="short: there must be one score for each of the 4"):
        unknown.compare({"fits": np.zeros(4), "short": np.zeros(3)}, np.zeros(4, bool), ["u"] * 4)
    with pytest.raises(ValueError, match="one unit for each of the 4 inputs, not 5"):
        unknown.compare({"fits": np.zeros(4)}, np.zeros(4, bool), ["u"] * 5)
