"""What a value leaves over: whether it asks for more sticks, and how to draw them."""

import torch
from torch import Size, Tensor
from torch.distributions import Normal

from pyro_igr._host import is_all_true
from pyro_igr._numerics.checks import check_probabilities, check_size
from pyro_igr.discrete import num_active, truncate
from pyro_igr.distributions._tail import draw_logits
from pyro_igr.distributions.gem import GEM, UNTEMPERED


class HasRest:
    """The sticks of a countable distribution beyond those that are given."""

    temperature: Tensor
    rho: Tensor
    tail: Normal | GEM | None
    event_shape: Size
    _validate_args: bool

    @property
    def num_sticks(self) -> int:
        """The number n of given sticks."""
        return self.event_shape[0] - 1

    def overflows(self, value: Tensor) -> Tensor:
        """Whether ``value`` needs more sticks: the given weights do not exceed rho.

        Shape:
            ``batch + (n + 1,)`` to ``batch``; its mean is the overflow rate.
        """
        return num_active(value, self.rho) > self.num_sticks

    def break_rest(self, value: Tensor, num_sticks: int) -> Tensor:
        """Splits the rest of a value that overflows by sticks drawn from the tail.

        The rest of other values is not split. Differentiable, like a value.

        Shape:
            ``batch + (n + 1,)`` to ``batch + (n + num_sticks + 1,)``.

        Args:
            value: a value of this distribution.
            num_sticks: the number of further sticks to draw.

        Raises:
            TypeError: if ``num_sticks`` is no integer.
            ValueError: if ``num_sticks`` is not positive.
        """
        check_size(num_sticks=num_sticks)
        shape = (*value.shape[:-1], num_sticks)
        sticks = draw_logits(self.tail, self.temperature, shape)
        broken = value[..., -1:] * UNTEMPERED(sticks)
        return truncate(torch.cat([value[..., :-1], broken], -1), self.rho)

    def wanted_sticks(
        self,
        value: Tensor,
        max_overflow: float = 0.0,
        rho: Tensor | float | None = None,
        num_sticks: int = 50,
    ) -> Tensor:
        r"""How many given sticks a batch of values asks for.

        The least number with which a share of at most ``max_overflow`` of the values
        overflows, all of the batch taken together: sticks of the tail are drawn for
        those that do now. It may be less than there are. :func:`grow` adds sticks, at
        the distribution that :func:`tail_start` gives them.

        .. math:: \min \{m : P(K_\rho > m) \le \text{max\_overflow}\}

        Shape:
            ``batch + (n + 1,)`` to a single integer.

        Args:
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
            >>> import pyro, torch
            >>> from pyro_igr import InfiniteIGR
            >>> _ = pyro.set_rng_seed(0)
            >>> q = InfiniteIGR(1.0, torch.zeros(3), torch.ones(3), 0.99)
            >>> z = q.rsample((1000,))
            >>> more = q.wanted_sticks(z, max_overflow=0.05) - q.num_sticks
            >>> int(more)
            6
        """
        check_probabilities(validate_args=True, max_overflow=max_overflow)
        rho = self._checked(self.rho if rho is None else rho)
        needed = num_active(self.break_rest(value, num_sticks), rho).flatten()
        if not len(needed):
            return needed.sum()  # an empty batch asks for none
        may_overflow = min(int(len(needed) * max_overflow), len(needed) - 1)
        return needed.sort().values[len(needed) - 1 - may_overflow]

    # A value is cut where it exceeds the distribution's own, and shows no more.
    def _checked(self, rho: Tensor | float) -> Tensor | float:
        like = {"dtype": self.rho.dtype, "device": self.rho.device}
        held = torch.as_tensor(rho, **like)
        if not is_all_true(held < 1):
            raise ValueError(
                f"expected rho to be less than 1 in {held.dtype}, since no number of "
                f"sticks holds all mass, got {rho}"
            )
        within = held <= self.rho
        if self._validate_args and not is_all_true(within):
            raise ValueError(
                f"expected rho to be at most that of the distribution, {self.rho}, "
                f"got {rho}"
            )
        return rho
