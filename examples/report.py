"""The scores of a discrete VAE, and how to print them."""

from typing import NamedTuple

from options import Options


class Scores(NamedTuple):
    """Evidence lower bounds of some images, in nats per image.

    Args:
        relaxed_elbo: Of the objective that was trained, with relaxed codes.
        discrete_elbo: Of the discrete model that it stands for, with one-hot codes:
            the one figure that is comparable between laws and temperatures.
    """

    relaxed_elbo: float
    discrete_elbo: float


class Result(NamedTuple):
    """What a run achieved.

    Args:
        validation: On the images to choose by.
        test: On the images to report on.
        seconds: The time that it took, from the options to the scores.
    """

    validation: Scores
    test: Scores
    seconds: float


def format_report(options: Options, result: Result) -> str:
    """A table of the scores, which says what each of them is."""
    kind = "ELBO" if options.kl == "relaxed" else "categorical KL, not a bound"
    labels = {
        "relaxed_elbo": f"relaxed codes, as trained ({kind})",
        "discrete_elbo": "one-hot codes, comparable across laws (ELBO)",
    }
    width = max(map(len, labels.values()))
    lines = [
        f"{options.law} at temperature {options.temperature:g}, {options.kl} KL, "
        f"{options.dataset}: {options.num_epochs} epochs, {result.seconds:.1f} s",
        f"{'nats per image':{width}}{'validation':>12}{'test':>10}",
    ]
    for name, label in labels.items():
        validation, test = getattr(result.validation, name), getattr(result.test, name)
        lines.append(f"{label:{width}}{validation:12.2f}{test:10.2f}")
    return "\n".join(lines)
