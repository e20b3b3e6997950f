"""The scores of a mixture VAE, and a table of them."""

from typing import NamedTuple

from examples.dp_mixture_vae.options import MixtureOptions
from examples.dp_mixture_vae.record import Growth, Record
from examples.dp_mixture_vae.usage import Usage, component_posterior, summarize
from examples.harness.run import LogLikelihood


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
        f"components for {options.rho:.0%} of the weights": f"{last.needed:.2f}",
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
