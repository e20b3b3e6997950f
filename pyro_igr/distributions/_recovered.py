"""The discrete side of a member of the family: what it recovers, and matches."""

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any, ClassVar, Self, cast

import torch
from pyro.distributions import OneHotCategorical
from torch import Size, Tensor

from pyro_igr._host import one_hot_of
from pyro_igr._numerics.checks import check_positive
from pyro_igr._numerics.precision import in_full_precision
from pyro_igr.discrete._check_probs import to_log_probs


class Recovered:
    """What a member of the family has of the discrete distribution that it recovers.

    ``_log_probs`` is the logarithm of that, of the vertex h(y) which z tends to, and
    ``_match`` inverts it.
    """

    loc: Tensor
    batch_shape: Size
    event_shape: Size
    _unexpanded: Self | None
    options: ClassVar[tuple[str, ...]]
    _validate_args: bool | None

    def __new__(cls, *args: Any, **options: Any) -> Self:
        """Says where probabilities go, which Gumbel-Softmax takes here."""
        for name in {"probs", "logits"} & options.keys() - {*cls.options}:
            own = signature(cls).parameters
            if "loc" in own and name not in own:
                raise TypeError(
                    f"expected loc and scale, got {name}, which is an argument of "
                    f"{cls.__name__}.from_probs"
                )
        _, *own = signature(cls.__init__).parameters.values()
        given = {*options, *(x.name for x, _ in zip(own, args, strict=False))}
        wanted = {x.name for x in own if x.default is Parameter.empty}
        if given and {"loc", "scale"} <= wanted and "scale" not in given:
            raise TypeError(
                f"expected loc and scale; {cls.__name__}.from_probs(temperature, "
                "probs) takes probabilities"
            )
        return super().__new__(cls)

    def _log_probs(self) -> Tensor:
        raise NotImplementedError

    @property
    def logits(self) -> Tensor:
        """Log probabilities, in nats, of the recovered discrete distribution.

        Shape:
            ``batch + (K,)``.
        """
        if self._unexpanded is None:
            return self._log_probs()
        return self._unexpanded.logits.expand(self.batch_shape + self.event_shape)

    @property
    def probs(self) -> Tensor:
        """Probabilities of the discrete distribution that this one relaxes: E[h(y)].

        Shape:
            ``batch + (K,)``.
        """
        return self.logits.exp()

    @property
    def mode(self) -> Tensor:
        """The most probable category of the recovered distribution, one-hot.

        Shape:
            ``batch + (K,)``.
        """
        return self.to_discrete().mode

    def to_discrete(self) -> OneHotCategorical:
        """The recovered discrete distribution, over one-hot vectors.

        Its log of 0 is the smallest finite number, as the KL of the host needs.

        Shape:
            as of this distribution: batch ``batch``, event ``(K,)``.
        """
        logits = self.logits.clamp(min=torch.finfo(self.loc.dtype).min)
        return one_hot_of(logits, validate_args=bool(self._validate_args))

    @staticmethod
    def _match(log_probs: Tensor, scale: Tensor | float, **options: Any) -> Tensor:
        raise NotImplementedError

    @classmethod
    def from_probs(
        cls,
        temperature: Tensor | float,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        scale: Tensor | float = 1.0,
        **options: Any,
    ) -> Self:
        """The distribution of this family whose ``.probs`` are exactly those given.

        :class:`IGR` solves for the means, at hundreds of times the cost of a softmax or
        more: make a prior once, outside of the model. Sticks are in closed form.

        Shape:
            ``probs``, ``logits``: ``batch + (K,)``; ``temperature``: ``batch`` or a
            plain number; ``scale``: ``batch + (K-1,)`` or a plain number.

        Args:
            temperature: as in the constructor.
            probs: probabilities of the K categories, all positive; normalised here.
            logits: log probabilities up to a constant, instead of ``probs``.
            scale: standard deviations of y, free to choose.
            options: further keywords of the constructor.

        Raises:
            ValueError: unless exactly one of ``probs`` and ``logits`` is given, if a
                probability is zero (a Gaussian cannot reach it), if ``scale`` is not
                positive, or of an :class:`IGRFlow` or a tempering other than "sticks".

        Example:
            >>> import torch
            >>> from pyro_igr import IGR
            >>> IGR.from_probs(0.1, torch.tensor([0.5, 0.3, 0.2])).probs
            tensor([0.5000, 0.3000, 0.2000])
        """
        validate_args = options.pop("validate_args", None)
        check_positive(validate_args=validate_args, scale=scale)
        log_probs = to_log_probs(probs, logits)
        given = cast(Tensor, logits if probs is None else probs)
        _, dtype = in_full_precision(given, scale)
        loc = cls._match(log_probs, scale, **options).to(dtype)
        make = cast(Callable[..., Self], cls)
        return make(temperature, loc, scale, validate_args=validate_args, **options)
