"""The figure of bounds over the epochs: one panel per bound, one line per recipe."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from examples.harness.lines import Line
from examples.images.figures import save_figure
from examples.study.chosen import name_of

PANELS = {
    "discrete_train_elbo": "ELBO of the discrete model,\ntraining images",
    "trained_test_bound": "what was trained,\ntest images",
    "test_log_likelihood": "log-likelihood of the discrete model,\ntest images",
}
# Quantile of all that is drawn and finite, below which a panel does not go
LOWEST = 0.04


def draw_curves(lines: Sequence[Line], path: Path) -> None:
    """Draw the mean over seeds, epoch by epoch, of those lines that have curves."""
    followed = sorted((line for line in lines if "curves" in line), key=_recipe)
    figure = Figure(figsize=(9.5, 4.5), layout="constrained")
    axes = figure.subplots(1, len(PANELS))
    for i, (recipe, group) in enumerate(groupby(followed, _recipe)):
        runs = [line["curves"] for line in group]
        for axis, name in zip(axes, PANELS, strict=True):
            mean = np.mean([run[name] for run in runs], 0)
            style = ("-", "--", ":")[i // 10 % 3]
            axis.plot(range(1, len(mean) + 1), mean, style, label=recipe)
    for axis, label in zip(axes, PANELS.values(), strict=True):
        axis.set(xlabel="epoch")
        axis.set_title(label, fontsize="medium")
        drawn = [line.get_ydata() for line in axis.lines]
        finite = [x[np.isfinite(x)] for x in drawn]
        if any(map(len, finite)):
            axis.set_ylim(bottom=np.quantile(np.concatenate(finite), LOWEST))
    axes[0].set_ylabel("nats an image")
    labels = axes[0].get_legend_handles_labels()
    figure.legend(*labels, loc="outside lower center", ncols=4, fontsize="small")
    save_figure(figure, path)


def _recipe(line: Line) -> str:
    return name_of(line["member"])
