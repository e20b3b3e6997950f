"""What a study compares: families of codes with an estimator, written as one word."""

from typing import NamedTuple

from examples.discrete_vae.options import ESTIMATORS, FAMILIES


class Recipe(NamedTuple):
    """A family, an estimator of the gradient, and the codes of an image in a step.

    Args:
        family: One of `FAMILIES`.
        estimator: One of `ESTIMATORS`.
        num_samples: Of the estimator.
    """

    family: str
    estimator: str
    num_samples: int = 1

    @classmethod
    def parse(cls, word: str) -> "Recipe":
        """The recipe that a word such as igr-sb/discrete-iwae/5 names.

        ValueError if it names none.
        """
        match word.split("/"):
            case [family, estimator, *number] if (
                family in FAMILIES and estimator in ESTIMATORS and len(number) < 2
            ):
                return cls(family, estimator, *map(int, number))
        raise ValueError(f"expected FAMILY/ESTIMATOR[/SAMPLES], got {word}")

    @property
    def has_temperature(self) -> bool:
        """Whether codes in training have a temperature: discrete ones do not."""
        return not ESTIMATORS[self.estimator].is_discrete

    def __str__(self) -> str:
        number = f"/{self.num_samples}" if self.num_samples > 1 else ""
        return f"{self.family}/{self.estimator}{number}"
