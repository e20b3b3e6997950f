"""Scores of a mixture VAE, and figures of its components."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsClassifier
from xarray import Dataset

from examples.dp_mixture_vae.components import KINDS, Judged, Move
from examples.dp_mixture_vae.options import MixtureOptions
from examples.harness.run import LogLikelihood
from examples.images.figures import save_figure, save_image_rows

with warnings.catch_warnings():  # 0.23 announces release 1 once a day
    warnings.simplefilter("ignore")
    import arviz as az

MIN_SHARE, NEIGHBORS = 0.01, (3, 5, 10)
NUM_ROWS, NUM_IMAGES = 15, 4
MEANINGS = {
    "capacity": "those with parameters",
    "needed": "as many as cover a share --rho of the weights",
    "used": f"the most probable one for at least {MIN_SHARE:.0%} of images",
    "occupied": "those that the images belong to",
}


class Usage(NamedTuple):
    """What the guide says of some images.

    Args:
        probs: Of the components, with shape `(draws, images, components)`.
        needed: The components that make up most of the weights, with shape
            `(draws, images)`.
        codes: The mean codes, with shape `(images, latent)`.
    """

    probs: NDArray[np.floating]
    needed: NDArray[np.integer]
    codes: NDArray[np.floating]

    @classmethod
    def join(cls, parts: Sequence["Usage"]) -> "Usage":
        """That of several parts of the images together."""
        probs, needed, codes = zip(*parts, strict=True)
        return cls(
            np.concatenate(probs, 1), np.concatenate(needed, 1), np.concatenate(codes)
        )

    @property
    def most_probable(self) -> NDArray[np.integer]:
        """The most probable component of each image."""
        return self.probs.mean(0).argmax(-1)

    @property
    def shares(self) -> NDArray[np.floating]:
        """The share of the images for which each component is the most probable."""
        counts = np.bincount(self.most_probable, minlength=self.probs.shape[-1])
        return counts / len(self.most_probable)

    @property
    def used(self) -> NDArray[np.integer]:
        """The components with a share of at least a hundredth, the largest first."""
        order = np.argsort(-self.shares, kind="stable")
        return order[self.shares[order] >= MIN_SHARE]


def neighbor_errors(
    codes: NDArray[np.floating],
    labels: NDArray[np.integer],
    test_codes: NDArray[np.floating],
    test_labels: NDArray[np.integer],
) -> dict[int, float]:
    """Shares of test codes whose k nearest neighbors vote for a wrong label, by k.

    Source: The evaluation of Nalisnick, Hertel and Smyth (2016).
    """
    errors = {}
    for number in NEIGHBORS:
        classifier = KNeighborsClassifier(number).fit(codes, labels)
        errors[number] = 1 - float(classifier.score(test_codes, test_labels))
    return errors


def component_posterior(usage: Usage, seed: int) -> Dataset:
    """Draws of the number of components, in two senses.

    - `needed`: the components that make up most of the weights of an image.
    - `occupied`: the components that the images belong to, one drawn for each.

    Args:
        usage: What the guide says of the images.
        seed: Of the draws.
    """
    rng = np.random.default_rng(seed)
    needed = rng.permuted(usage.needed, axis=1)[:, 0]
    occupied = _occupied(usage.probs, rng)
    draws = {"needed": needed, "occupied": occupied}
    return Dataset({k: (("chain", "draw"), v[None]) for k, v in draws.items()})


def _occupied(
    probs: NDArray[np.floating], rng: np.random.Generator
) -> NDArray[np.integer]:
    """The number of distinct components over the images, for each draw."""
    uniform = rng.random((*probs.shape[:-1], 1))
    component = (probs.cumsum(-1) < uniform).sum(-1)
    return np.array([len(np.unique(draw)) for draw in component])


def summarize(draws: Dataset) -> str:
    """Mean, standard deviation and interval of each variable, as a table."""
    return az.summary(draws, kind="stats", round_to=2).to_string()


def save_posterior(path: Path, posterior: Dataset) -> None:
    """Draw the posterior of both numbers, with the same axes."""
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    axes = figure.subplots(1, 2, sharex=True, sharey=True)
    senses = [(name, MEANINGS[name]) for name in posterior]
    for (name, meaning), axis in zip(senses, axes, strict=True):
        counts = np.bincount(posterior[name].to_numpy().ravel())
        edges = np.arange(len(counts) + 1) - 0.5
        axis.stairs(counts / counts.sum(), edges, fill=True, alpha=0.4)
        axis.set_title(f"{name}: {meaning}", fontsize=8)
        axis.set_xlabel("components")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0].set_ylabel("posterior probability")
    save_figure(figure, path)


class Growth(NamedTuple):
    """The number of components after an epoch, from a draw of the guide.

    Args:
        capacity: That the parameters are for, without the rest.
        needed: That make up most of the weights, on average.
        used: That validation images most probably belong to.
        overflow: The rate of draws that need more than the capacity.
    """

    capacity: int
    needed: float
    used: int
    overflow: float

    @classmethod
    def from_usage(cls, usage: Usage, num_sticks: int, family: str) -> "Growth":
        """That of some images.

        Args:
            usage: What the guide says of them.
            num_sticks: The sticks that the parameters are for.
            family: "igr-sb", or "dldpmm", whose components are all that there are.
        """
        counts = float(usage.needed.mean()), len(usage.used)
        if family == "dldpmm":
            return cls(num_sticks + 1, *counts, 0.0)
        return cls(num_sticks, *counts, float((usage.needed > num_sticks).mean()))


@dataclass
class Record:
    """What a run has done to its components.

    Args:
        growth: The number of components after each epoch.
        moves: Those that the bound of held-out images asked for.
        judged: How many components were left, each time that they were judged.
        tried: Those that the last splits have added.
    """

    growth: list[Growth] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    judged: list[int] = field(default_factory=list)
    tried: list[int] = field(default_factory=list)

    def add(self, found: Judged) -> None:
        """Notes what is left of the components."""
        self.moves.extend(found.moves)
        self.judged.append(len(found.fit.components))
        self.tried.clear()

    @property
    def is_settled(self) -> bool:
        """Whether four rounds of splits, one after the other, have added nothing."""
        last = self.judged[-5:]
        return len(last) == 5 and all(a >= b for a, b in pairwise(last))

    @property
    def is_growing(self) -> bool:
        """Whether the last revision left more components than the one before."""
        return len(self.judged) > 1 and self.judged[-1] > self.judged[-2]

    def summary(self) -> str:
        """How many there were, and the moves, in words."""
        names = [KINDS[each.kind] for each in self.moves]
        counts = ", ".join(f"{names.count(kind)} {kind}s" for kind in KINDS)
        found = ", ".join(map(str, self.judged))
        return f"{found} ({counts})" if found else "never revised"

    def warn_if_growing(self) -> None:
        """Warns that the number of components is no answer yet."""
        if self.is_growing:
            before, after = self.judged[-2:]
            warnings.warn(
                f"the last revision left {after} components, the one before {before}: "
                "their number still grows; train with more --num-epochs, or revise "
                "from an earlier epoch, or more often",
                stacklevel=2,
            )

    def to_lists(self) -> list[list[Any]]:
        """The same in plain lists of numbers."""
        rows = [list(map(list, each)) for each in (self.growth, self.moves)]
        return [*rows, self.judged, self.tried]

    @classmethod
    def from_lists(
        cls, growth: list[Any], moves: list[Any], judged: list[int], tried: list[int]
    ) -> "Record":
        """What was written as lists."""
        rows = [Growth(int(c), n, int(u), o) for c, n, u, o in growth]
        return cls(
            rows, [Move(int(e), int(k), *b) for e, k, *b in moves], judged, tried
        )


class MixtureResult(NamedTuple):
    """What a run achieved.

    Args:
        validation: The evidence lower bound of the images to choose by, in nats each.
        test: That of the images to report on.
        log_likelihood: Of the test images, by importance weights.
        usage: What the guide says of the test images.
        record: What was done to the components.
        last: The number of components in the end, of test images.
        neighbor_errors: Of test codes among training codes, by number of neighbors.
        concentration: Of the Dirichlet process, its mean if it is inferred.
        training_seconds: The time that the epochs took.
        seconds: The time that the run took, from the options to the scores.
    """

    validation: float
    test: float
    log_likelihood: LogLikelihood
    usage: Usage
    record: Record
    last: Growth
    neighbor_errors: dict[int, float]
    concentration: float
    training_seconds: float
    seconds: float

    @property
    def growth(self) -> tuple[Growth, ...]:
        """The number of components after each epoch, and in the end."""
        return *self.record.growth, self.last

    @property
    def num_epochs(self) -> int:
        """Those that the run has, which may be more than were asked for."""
        return len(self.record.growth)


def format_report(options: MixtureOptions, result: MixtureResult) -> str:
    """A table of the scores, which says what each of them is."""
    last, shares = result.last, result.usage.shares
    mean, error = result.log_likelihood
    weights = f"IWAE-{options.num_importance_samples}"
    errors = result.neighbor_errors.items()
    histogram = " ".join(f"{k + 1}:{shares[k]:.0%}" for k in result.usage.used)
    rows = {
        "ELBO of validation images": f"{result.validation:.2f}",
        "ELBO of test images": f"{result.test:.2f}",
        f"log-likelihood of test images ({weights})": f"{mean:.2f} ± {error:.2f}",
        "components used by test images": f"{last.used} of {len(shares)}",
        "share of each": histogram,
        f"components for {100 * options.rho:g}% of the weights": f"{last.needed:.2f}",
        "overflow rate": f"{last.overflow:.2%}",
        "components after each revision": result.record.summary(),
        "concentration": f"{result.concentration:.2f}",
        "k-NN error of the mean code": ", ".join(f"{e:.1%} ({k})" for k, e in errors),
        "time of training": f"{result.training_seconds:.1f} s",
    }
    width = max(map(len, rows))
    lines = [
        f"{options.family} with assignment by {options.assignment}, {options.images}: "
        f"{result.num_epochs} epochs, {result.seconds:.1f} s; nats per image",
        *(f"{label:{width}}  {value}" for label, value in rows.items()),
        "posterior of the number of components:",
        summarize(component_posterior(result.usage, options.seed)),
    ]
    return "\n".join(lines)


def save_components(
    path: Path,
    shape: tuple[int, int],
    usage: Usage,
    images: NDArray[np.floating],
    decoded: NDArray[np.floating],
) -> None:
    """Draw a row for each used component: images, prototype and samples.

    Args:
        path: The file; its folder is created if need be.
        shape: The height and the width of an image.
        usage: What the guide says of the images.
        images: The images, with shape `(N, H * W)`.
        decoded: The prototype and then samples of each component, with shape
            `(components, columns, H * W)`.
    """
    rows, blank = {}, np.zeros((NUM_IMAGES, images.shape[-1]))
    for component in usage.used[:NUM_ROWS]:
        own = images[usage.most_probable == component][:NUM_IMAGES]
        row = [own, blank[len(own) :], decoded[component]]
        name = f"{component + 1}: {usage.shares[component]:.0%} of images"
        rows[name] = np.concatenate(row)
    titles = ["truth"] * NUM_IMAGES + ["mean"] + ["sample"] * (decoded.shape[1] - 1)
    title = f"the used components: {MEANINGS['used']}"
    save_image_rows(path, rows, shape, titles, title)


def save_growth(path: Path, record: Record) -> None:
    """Draw the number of components over the epochs, and what each move did."""
    growth = record.growth
    figure = Figure(figsize=(7, 6), layout="constrained")
    top, bottom = figure.subplots(2, sharex=True, height_ratios=(3, 2))
    edges = np.arange(len(growth) + 1) + 0.5
    for name, line in ("capacity", ":"), ("needed", "--"), ("used", "-"):
        values, label = [getattr(each, name) for each in growth], MEANINGS[name]
        top.stairs(values, edges, baseline=None, ls=line, label=f"{name}: {label}")
    top.set(ylabel="components", ylim=(0, None))
    for kind, marker in zip(range(len(KINDS)), "vo^", strict=True):
        moves = [each for each in record.moves if each.kind == kind]
        epochs = [each.num_epochs for each in moves]
        bounds = [(each.before, each.after) for each in moves]
        label = f"{KINDS[kind]}: the bound of held-out images, from before to after"
        bottom.vlines(epochs, *np.reshape(bounds, (-1, 2)).T, color=f"C{3 + kind}")
        after = [each.after for each in moves]
        bottom.plot(epochs, after, marker, color=f"C{3 + kind}", ms=4, label=label)
    bottom.set(xlabel="epoch", ylabel="nats per image")
    for numbers in bottom.xaxis, top.yaxis:
        numbers.set_major_locator(MaxNLocator(integer=True))
    figure.legend(loc="outside lower center", fontsize=8)
    save_figure(figure, path)


def save_figures(
    figure: Callable[[str], Path],
    shape: tuple[int, int],
    usage: Usage,
    record: Record,
    images: NDArray[np.floating],
    decoded: NDArray[np.floating],
    seed: int,
) -> None:
    """Draw components, their growth and the posterior of their number.

    Args:
        figure: The file of a figure, by its name.
        shape: The height and the width of an image.
        usage: What the guide says of the images.
        record: What was done to the components.
        images: The images.
        decoded: The prototype and then samples of each component.
        seed: Of the draws of the posterior.
    """
    save_components(figure("components"), shape, usage, images, decoded)
    save_growth(figure("growth"), record)
    save_posterior(figure("posterior"), component_posterior(usage, seed))
