"""What an importance-weighted estimate of the log-likelihood consists of."""

from typing import NamedTuple

from jax import Array


class LogLikelihood(NamedTuple):
    """Importance-weighted estimates of log p(x), in nats, and how good they are.

    Shape:
        The first three have that of the data plates, the others none.

    Args:
        values: of each datum. By Jensen's inequality their expectations are bounds
            from below, which rise with the number of samples.
        standard_errors: of the values, by the delta method from the spread of the
            weights: estimates, which are too small where the samples miss values that
            matter.
        effective_sample_sizes: of each datum, from 1 to the number of samples: few
            mean that few samples carry the estimate.
        mean: of the values.
        mean_standard_error: of the mean for these data, by chance of the samples
            alone; that of the choice of data is the spread of the values over the
            root of their number.

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
