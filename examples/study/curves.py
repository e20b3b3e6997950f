"""The figure of bounds over the epochs: a panel for each bound, a line for each row."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from examples.harness.lines import Line
from examples.images.figures import save_figure
from examples.study.recipe_scores import row_of

PANELS = {
    "discrete_train_elbo": "ELBO of the discrete model,\ntraining images",
    "trained_test_bound": "what was trained,\ntest images",
    "test_log_likelihood": "log-likelihood of the discrete model,\ntest images",
}
# Quantile of all that is drawn and finite, below which a panel does not go
LOWEST = 0.04


def draw_curves(lines: Sequence[Line], path: Path) -> None:
    """Draw the mean over seeds, epoch by epoch, of those lines that have curves."""
    followed = sorted((line for line in lines if "curves" in line), key=row_of)
    rows = [(row, [*group]) for row, group in groupby(followed, row_of)]
    labels = _labels([row for row, _ in rows])
    figure = Figure(figsize=(9.5, 4.5), layout="constrained")
    axes = figure.subplots(1, len(PANELS))
    for i, (_, group) in enumerate(rows):
        runs = [line["curves"] for line in group]
        for axis, name in zip(axes, PANELS, strict=True):
            mean = np.mean([run[name] for run in runs], 0)
            style = ("-", "--", ":")[i // 10 % 3]
            axis.plot(range(1, len(mean) + 1), mean, style, label=labels[i])
    for axis, title in zip(axes, PANELS.values(), strict=True):
        axis.set(xlabel="epoch")
        axis.set_title(title, fontsize="medium")
        drawn = [line.get_ydata() for line in axis.lines]
        finite = [x[np.isfinite(x)] for x in drawn]
        if any(map(len, finite)):
            axis.set_ylim(bottom=np.quantile(np.concatenate(finite), LOWEST))
    axes[0].set_ylabel("nats an image")
    entries = axes[0].get_legend_handles_labels()
    figure.legend(*entries, loc="outside lower center", ncols=4, fontsize="small")
    save_figure(figure, path)


def _labels(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    """The recipe of each row, with all else that it is of if the recipe has others."""
    times = Counter(recipe for recipe, *_ in rows)
    return [
        recipe
        if times[recipe] == 1
        else f"{recipe}, {epochs} epochs, {', '.join(others)}"
        for recipe, epochs, *others in rows
    ]
