"""What a distribution on the simplex does not have, and what to use instead."""

from jax import Array

BY_SAMPLES = "average over samples"
OF_VECTORS = "values are vectors: use log_prob, or samples"


class Absent:
    """Refuses the statistics that have no closed form, each with its remedy."""

    instead_of_mean: str = (
        f".probs are the mean of the discrete distribution; else {BY_SAMPLES}"
    )
    instead_of_entropy: str = (
        "use to_discrete().entropy() for that of the discrete distribution, or average "
        "-log_prob over samples"
    )
    instead_of_variance: str = f"{BY_SAMPLES}, or use to_discrete().variance"
    instead_of_values: str = "values are continuous: enumerate to_discrete()"

    @property
    def mean(self) -> Array:
        raise self._refusal("mean", self.instead_of_mean)

    @property
    def variance(self) -> Array:
        raise self._refusal("variance", self.instead_of_variance)

    def entropy(self) -> Array:
        raise self._refusal("entropy", self.instead_of_entropy)

    def cdf(self, value: Array) -> Array:
        raise self._refusal("cdf", OF_VECTORS)

    def icdf(self, value: Array) -> Array:
        raise self._refusal("icdf", OF_VECTORS)

    def enumerate_support(self, expand: bool = True) -> Array:  # noqa: FBT001, FBT002
        raise self._refusal("enumerate_support", self.instead_of_values)

    def _refusal(self, name: str, remedy: str) -> NotImplementedError:
        return NotImplementedError(f"{type(self).__name__} has no {name}: {remedy}")
