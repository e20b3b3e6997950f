"""The studies that make the paper's tables, in order of importance."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from examples.harness.command_line import Flags
from examples.harness.lines import Line
from examples.study import mixtures, prediction
from examples.study.options import StudyOptions
from examples.study.recipe_scores import SCORES, Final, best_first, summarize
from examples.study.tables import to_header, to_row, with_spread

COLUMNS = "codes / estimator", "temperature", "learning rate", "decay", "epochs"
HEADER = to_header((*COLUMNS, "seeds", "log-likelihood", "ELBO"))


class Part(NamedTuple):
    """A study of the paper's.

    Args:
        title: What it is of.
        module: The program that makes its lines.
        options: What its command line sets.
        arguments: Those of its command line, but for where things are.
        header: Of its table.
        rows: Those of its table, from its lines.
    """

    title: str
    module: str
    options: type[Flags]
    arguments: tuple[str, ...]
    header: str
    rows: Callable[[Sequence[Line]], Iterator[str]]


def rows(lines: Sequence[Line]) -> Iterator[str]:
    """A recipe a row, the highest log-likelihood first, by seeds of its settings."""
    tested = [line for line in lines if line["member"]["test"]]
    found = summarize(tested, (), "test")
    for final in best_first(found):
        yield to_row(_cells(final))


def _cells(final: Final) -> Iterator[object]:
    yield from (final.recipe, *final.settings.values(), final.num_epochs)
    yield len(final.scores[SCORES[0]])
    yield from (with_spread(final.scores[name]) for name in SCORES)


RELAXED = (  # their KL is that of the relaxed codes, as the paper has it
    "igr/analytic-kl",
    "igr/stl",
    "igr-sb/analytic-kl",
    "igr-sb/stl",
    "igr-sb-eq18/analytic-kl",
    "igr-sb-eq18/stl",
    "igr-planar/analytic-kl",
    "igr-planar/stl",
    "gumbel-softmax/monte-carlo-kl",
    "gumbel-softmax/stl",
)
DISCRETE = "igr/discrete-kl", "igr-sb/discrete-kl", "gumbel-softmax/discrete-kl"
BEYOND = (  # IGR with K - 1 outputs for the K of Gumbel-Softmax, and its priors
    "igr/analytic-kl-unit",
    "igr-sb/analytic-kl-unit",
    "igr-eq14/analytic-kl",
    "igr-eq14/discrete-kl",
)
UNBIASED = (
    "igr/relax",
    "igr-sb/relax",
    "gumbel-softmax/relax",
    "igr/unordered-set/4",
    "igr-sb/unordered-set/4",
    "gumbel-softmax/unordered-set/4",
    "gumbel-softmax/leave-one-out/4",
    "gumbel-softmax/reinmax",
)


def codes(title: str, recipes: Sequence[str], *arguments: str) -> Part:
    """A study of discrete VAEs, whose runs by seeds are followed over the epochs."""
    options = "--recipe", *recipes, "--num-followed=500", "--seconds", *arguments
    where = "examples.study.recipes_numpyro", StudyOptions
    return Part(title, *where, options, HEADER, rows)


def all_codes(title: str, *arguments: str) -> Part:
    """The study of Tables 1 and 4 and of Figure 2, on some images."""
    of_table = f"Tables 1 and 4, Figure 2: {title}"
    return codes(of_table, (*RELAXED, *DISCRETE), *arguments)


def clusters(title: str, *arguments: str) -> Part:
    """A study of Table 3, on some images."""
    where = "examples.study.mixtures", mixtures.MixtureTableOptions
    of_table = f"Table 3: {title}", *where, arguments
    return Part(*of_table, mixtures.HEADER, mixtures.rows)


STATIC, GRAY, BIG = "--pixels=static", "--pixels=gray", "--architecture=512-256"
MNIST, FASHION, OMNIGLOT = (
    f"--dataset={name}" for name in ("mnist", "fashion-mnist", "omniglot")
)
PARTS = {
    "mnist-linear": all_codes("MNIST, linear", MNIST, STATIC),
    "mnist-512-256": all_codes("MNIST, 512-256", MNIST, STATIC, BIG),
    "prediction": Part(
        "Table 2: MNIST",
        "examples.study.prediction",
        prediction.PredictionTableOptions,
        (MNIST, STATIC),
        prediction.HEADER,
        prediction.rows,
    ),
    "mixtures-mnist": clusters("MNIST", MNIST, STATIC),
    "mixtures-omniglot": clusters("Omniglot-small", OMNIGLOT, STATIC),
    "estimators": codes(
        "Tables 5 and 6: MNIST, 512-256", (*UNBIASED, *DISCRETE), MNIST, STATIC, BIG
    ),
    "beyond-linear": codes(
        "Encoders of equal size, and the prior by eq. 14: MNIST, linear",
        BEYOND,
        MNIST,
        STATIC,
    ),
    "fashion-linear": all_codes("Fashion-MNIST, gray, linear", FASHION, GRAY),
    "mixtures-fashion": clusters("Fashion-MNIST", FASHION, STATIC),
    "fashion-512-256": all_codes("Fashion-MNIST, gray, 512-256", FASHION, GRAY, BIG),
    "omniglot-linear": all_codes("Omniglot-small, linear", OMNIGLOT, STATIC),
    "omniglot-512-256": all_codes("Omniglot-small, 512-256", OMNIGLOT, STATIC, BIG),
    "thresholded-linear": all_codes("MNIST above one half, linear", MNIST),
    "thresholded-512-256": all_codes("MNIST above one half, 512-256", MNIST, BIG),
}
