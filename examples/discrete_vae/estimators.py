"""The gradient estimators of the discrete VAE: what each trains, and for which laws."""

from typing import NamedTuple

IGR_LAWS = "igr", "igr-sb"
LAWS = *IGR_LAWS, "gumbel-softmax"
MOST_CODES = 1000


class Estimator(NamedTuple):
    """What an estimator trains.

    Args:
        objective: What its loss is, for the report.
        laws: Those of the codes that it applies to.
        fixed_scale: Whether the Gaussians of IGR have scale 1. Where only the discrete
            law of a code is scored, loc / scale alone counts: a free scale would be
            useless, or worse, shrink until the code has no noise.
        is_discrete: Whether it trains the discretized model and guide.
        least_samples: The fewest codes for an image that it can do with.
    """

    objective: str
    laws: tuple[str, ...] = LAWS
    fixed_scale: bool = True
    is_discrete: bool = False
    least_samples: int = 1


RELAXED = "relaxed codes (ELBO)"
ONE_HOT = "one-hot codes (ELBO)"

ESTIMATORS = {
    "analytic-kl": Estimator(RELAXED, IGR_LAWS, fixed_scale=False),
    "monte-carlo-kl": Estimator(RELAXED, ("gumbel-softmax",)),
    "stl": Estimator(RELAXED, fixed_scale=False),
    "discrete-kl": Estimator("relaxed codes, discrete KL (not a bound)"),
    "straight-through": Estimator(ONE_HOT),
    "relax": Estimator(ONE_HOT),
    "rebar": Estimator(ONE_HOT),
    "unordered-set": Estimator(ONE_HOT, is_discrete=True, least_samples=2),
    "exact": Estimator(ONE_HOT, is_discrete=True),
}


def check_estimator(
    estimator: str,
    law: str,
    num_samples: int,
    num_variables: int,
    num_categories: int,
) -> None:
    """Check that an estimator can train such codes.

    Args:
        estimator: One of `ESTIMATORS`.
        law: Of the codes.
        num_samples: The codes for an image in a step.
        num_variables: The variables of a code.
        num_categories: The categories of each.

    Raises:
        ValueError: If it cannot, with the reason.
    """
    chosen = ESTIMATORS[estimator]
    if law not in chosen.laws:
        applicable = ", ".join(n for n, e in ESTIMATORS.items() if law in e.laws)
        raise ValueError(
            f"expected an --estimator for --law {law}, that is one of {applicable}; "
            f"got {estimator}"
        )
    if num_samples < chosen.least_samples:
        raise ValueError(
            f"expected --num-samples to be at least {chosen.least_samples} with "
            f"--estimator {estimator}, got {num_samples}"
        )
    if estimator == "exact" and num_categories**num_variables > MOST_CODES:
        raise ValueError(
            f"expected at most {MOST_CODES} codes to enumerate with --estimator exact, "
            f"got {num_categories}^{num_variables} of them"
        )
