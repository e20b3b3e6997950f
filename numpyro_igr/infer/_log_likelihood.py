"""What an importance-weighted estimate of the log-likelihood consists of."""

from typing import NamedTuple

from jax import Array


class LogLikelihood(NamedTuple):
    """Importance-weighted estimates of log p(x), in nats, and how good they are.

    An estimate is too low where the guide all but excludes values that matter, as
    independent sites may if the posterior has two modes. If no sample has them, nothing
    here shows it: compare with another guide, such as the prior. Where all weights are
    zero, a value is -inf, and errors and effective sample sizes are NaN.

    Shape:
        The first three have that of the data plates, the others none.

    Args:
        values: the estimate for each datum. Its expectation is a lower bound, by
            Jensen's inequality, and rises with the number of samples.
        standard_errors: of the values, by the delta method from the spread of the
            weights; too small if the samples are few or miss values that matter, and
            never above 1, which a single weight that dominates has, however wrong the
            value.
        effective_sample_sizes: for each datum, from 1 to the number of samples; if
            small, few samples dominate the estimate; large also where the samples miss
            values that matter.
        mean: of the values.
        mean_standard_error: of the mean for these data, from the randomness of the
            samples alone. That from the choice of data is the standard deviation of the
            values over the square root of their number.

    Example:
        >>> import jax, jax.numpy as jnp, numpyro
        >>> from numpyro_igr import OneHotCategorical, log_likelihood
        >>> def program():
        ...     numpyro.sample("z", OneHotCategorical(jnp.ones(3) / 3))
        >>> found = log_likelihood(jax.random.key(0), program, program, num_samples=2)
        >>> print(f"{abs(found.mean):.1f}, {found.mean_standard_error:.1f}")
        0.0, 0.0
    """

    values: Array
    standard_errors: Array
    effective_sample_sizes: Array
    mean: Array
    mean_standard_error: Array
