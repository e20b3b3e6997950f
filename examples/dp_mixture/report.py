"""The results of a mixture of Gaussians, and those of scikit-learn's mixtures."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import BayesianGaussianMixture
from xarray import Dataset

from examples.dp_mixture.inference import Draws, Found, Host, Options, infer
from examples.dp_mixture.points import Points, load_points
from examples.harness.command_line import Parser
from examples.images.figures import save_figure

with warnings.catch_warnings():  # 0.23 announces release 1 once a day
    warnings.simplefilter("ignore")
    import arviz as az

COVARIANCES = "full", "diag", "spherical"
MOST_COMPONENTS = 30
MUCH = 0.01


def report(
    host: Host, description: str, arguments: Sequence[str] | None = None
) -> None:
    """Infers what the command line says, prints and draws it."""
    options = Options.parse(description, arguments)
    try:
        options = options.in_folder(f"runs/dp_mixture_{host.name.lower()}")
    except OSError as error:
        Parser(description).error(str(error))
    points = load_points(options.dataset, options.dimensions)
    found = infer(host, points, options)
    posterior = component_posterior(found.draws, options.seed)
    print(describe(host, points, found))
    print(az.summary(posterior, kind="stats", round_to=2).to_string())
    print("\n".join(rivals(points, options.seed)))
    for line in doubts(found):
        print(f"warning: {line}")
    if options.figures:
        save_components(options.figure("mixture"), points, found, posterior)


def describe(host: Host, points: Points, found: Found) -> str:
    """The moves that were accepted, and what they led to."""
    size, dim = points.x.shape
    lines = [f"{points.name}: {size} points of {dim} coordinates, {host.name}"]
    lines += [
        f"  {fit.how:10}{fit.parameters.num_sticks:3} components, bound "
        f"{fit.bound:.1f} ± {fit.error:.1f} nats"
        for fit in found.fits
    ]
    text = f"{found.num_used} components in use{agreement(points, found.labels)}"
    return "\n".join([*lines, f"{text}, {found.seconds:.0f} s"])


def agreement(points: Points, labels: NDArray[np.integer]) -> str:
    """The adjusted Rand index, if the groups are known."""
    if points.labels is None:
        return ""
    index = adjusted_rand_score(points.labels, labels)
    return f", adjusted Rand index {index:.2f} (of {points.labels.max() + 1} groups)"


def doubts(found: Found) -> list[str]:
    """Reasons to doubt the number of components."""
    lines, rest = [], found.draws.probs[..., -1].mean()
    if not found.complete:
        lines.append("the limit of moves was reached; others may raise the bound")
    if rest > MUCH:
        lines.append(f"{rest:.0%} of the points are of components without a stick")
    best = max(score for _, score in found.starts)
    near = sorted({number for number, score in found.starts if score > best - 5})
    if len(near) > 1:
        numbers = " and ".join(map(str, near))
        lines.append(f"starts that led to {numbers} groups are within 5 nats")
    return lines


def component_posterior(draws: Draws, seed: int) -> Dataset:
    """Draws of the number of components and of the concentration.

    The number is that of the components that the points belong to, one drawn for each.
    The rest counts as one more if it has a point. The guide knows of no components but
    its own and those of the prior: of few points it finds fewer than there may be, 2.2
    instead of 2.6 on average in the test that enumerates six.

    Args:
        draws: Of the guide.
        seed: Of the components of points.
    """
    rng = np.random.default_rng(seed)
    uniform = rng.random((*draws.probs.shape[:-1], 1))
    component = (draws.probs[..., :-1].cumsum(-1) < uniform).sum(-1)
    number = np.array([len(np.unique(of_draw)) for of_draw in component])
    found = {"components": number, "concentration": draws.concentration}
    return Dataset({k: (("chain", "draw"), v[None]) for k, v in found.items()})


def rivals(points: Points, seed: int) -> list[str]:
    """What scikit-learn's mixture finds, with each kind of covariances."""
    return [
        f"BayesianGaussianMixture, {kind}: {len(np.unique(labels))} components"
        f"{agreement(points, labels)}"
        for kind in COVARIANCES
        for labels in [rival(points, kind, seed)]
    ]


def rival(points: Points, kind: str, seed: int) -> NDArray[np.integer]:
    """The groups by scikit-learn's Dirichlet-process mixture."""
    prior = "dirichlet_process"
    mixture = BayesianGaussianMixture(
        n_components=MOST_COMPONENTS,
        covariance_type=kind,
        weight_concentration_prior_type=prior,
        weight_concentration_prior=1.0,
        max_iter=1000,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return mixture.fit_predict(points.x)


def by_size(labels: NDArray[np.integer]) -> NDArray[np.integer]:
    """The same groups, counted from the largest."""
    _, places, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    return np.argsort(np.argsort(-sizes, kind="stable"))[places]


def save_components(
    path: Path, points: Points, found: Found, posterior: Dataset
) -> None:
    """Draw the points by component, the known groups, and the posterior number."""
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    axes = figure.subplots(1, 3)
    panels = {"components": found.labels, "known groups": points.labels}
    for (title, labels), axis in zip(panels.items(), axes, strict=False):
        if labels is None:
            axis.remove()
            continue
        axis.scatter(
            *points.x[:, :2].T,
            c=by_size(labels) % 10,
            cmap="tab10",
            vmin=0,
            vmax=9,
            s=8,
        )
        axis.set(title=title, xlabel="first principal component", ylabel="second")
    counts = np.bincount(posterior["components"].to_numpy().ravel())
    edges = np.arange(len(counts) + 1) - 0.5
    axes[-1].stairs(counts / counts.sum(), edges, fill=True, alpha=0.4)
    axes[-1].set(title="posterior of their number", xlabel="components", xlim=(0, None))
    axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.suptitle(points.name, fontsize=10)
    save_figure(figure, path)
