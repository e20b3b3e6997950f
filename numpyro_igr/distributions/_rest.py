"""What a value leaves over: whether it asks for more sticks, and how to draw them."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from numpyro_igr._host import not_jax_tracer
from numpyro_igr._numerics.checks import check_probabilities, check_size
from numpyro_igr._numerics.precision import at_least_single
from numpyro_igr._typed import Normal
from numpyro_igr.discrete import num_active, truncate
from numpyro_igr.distributions._tail import draw_logits
from numpyro_igr.distributions.gem import GEM, UNTEMPERED


class HasRest:
    """The sticks of a countable distribution beyond those that are given."""

    temperature: Array
    rho: Array
    tail: Normal | GEM | None
    event_shape: tuple[int, ...]
    _validate_args: bool

    @property
    def num_sticks(self) -> int:
        """The number n of given sticks."""
        return self.event_shape[0] - 1

    def overflows(self, value: Array) -> Array:
        """Whether ``value`` needs more sticks: the given weights do not exceed rho.

        Shape:
            ``batch + (n + 1,)`` to ``batch``; its mean is the overflow rate.
        """
        return num_active(value, self.rho) > self.num_sticks

    def break_rest(self, key: Array, value: Array, num_sticks: int) -> Array:
        """Splits the rest of a value that overflows by sticks drawn from the tail.

        The rest of other values is not split. Differentiable, like a value.

        Shape:
            ``batch + (n + 1,)`` to ``batch + (n + num_sticks + 1,)``.

        Args:
            key: the random key.
            value: a value of this distribution.
            num_sticks: the number of further sticks to draw.

        Raises:
            TypeError: if ``num_sticks`` is no integer.
            ValueError: if ``num_sticks`` is not positive.
        """
        check_size(num_sticks=num_sticks)
        shape = (*jnp.shape(value)[:-1], num_sticks)
        sticks = draw_logits(key, self.tail, self.temperature, shape)
        broken = value[..., -1:] * UNTEMPERED(sticks.astype(at_least_single(value)))
        return truncate(jnp.concatenate([value[..., :-1], broken], -1), self.rho)

    def wanted_sticks(
        self,
        key: Array,
        value: Array,
        max_overflow: float = 0.0,
        rho: ArrayLike | None = None,
        num_sticks: int = 50,
    ) -> Array:
        r"""How many given sticks a batch of values asks for.

        The least number with which a share of at most ``max_overflow`` of the values
        overflows, all of the batch taken together: sticks of the tail are drawn for
        those that do now. It may be less than there are. :func:`grow` adds sticks, at
        the distribution that :func:`tail_start` gives them.

        .. math:: \min \{m : P(K_\rho > m) \le \text{max\_overflow}\}

        Shape:
            ``batch + (n + 1,)`` to a single integer.

        Args:
            key: the random key.
            value: values of this distribution.
            max_overflow: the share of the values that may need more, in [0, 1].
            rho: the mass to exceed, less than 1 and no more than that of the
                distribution; None for that itself.
            num_sticks: the number of further sticks to draw; a result of more than
                :attr:`num_sticks` plus this means that they were too few.

        Raises:
            ValueError: if ``max_overflow`` is not in [0, 1], if ``rho`` is 1 or rounds
                to it, or, under validation, exceeds that of the distribution; as
                :meth:`break_rest`.

        Source:
            Not in the paper.

        Example:
            >>> import jax
            >>> import jax.numpy as jnp
            >>> from numpyro_igr import InfiniteIGR
            >>> q = InfiniteIGR(1.0, jnp.zeros(3), jnp.ones(3), 0.99)
            >>> z = q.rsample(jax.random.key(0), (1000,))
            >>> more = q.wanted_sticks(jax.random.key(1), z, max_overflow=0.05)
            >>> int(more) - q.num_sticks
            6
        """
        check_probabilities(validate_args=True, max_overflow=max_overflow)
        rho = self._checked(self.rho if rho is None else rho)
        needed = num_active(self.break_rest(key, value, num_sticks), rho).ravel()
        if not len(needed):
            return needed.sum()  # an empty batch asks for none
        may_overflow = min(int(len(needed) * max_overflow), len(needed) - 1)
        return jnp.sort(needed)[len(needed) - 1 - may_overflow]

    # A value is cut where it exceeds the distribution's own, and shows no more.
    def _checked(self, rho: ArrayLike) -> ArrayLike:
        with jax.ensure_compile_time_eval():
            held = jnp.asarray(rho, self.rho.dtype)
            is_less, within = np.all(held < 1), np.all(held <= self.rho)
        if not_jax_tracer(is_less) and not is_less:
            raise ValueError(
                f"expected rho to be less than 1 in {held.dtype}, since no number of "
                f"sticks holds all mass, got {rho}"
            )
        if self._validate_args and not_jax_tracer(within) and not within:
            raise ValueError(
                f"expected rho to be at most that of the distribution, {self.rho}, "
                f"got {rho}"
            )
        return rho
