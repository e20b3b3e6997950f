"""The discrete side of a member of the family: what it recovers, and matches."""

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any, ClassVar, Self, cast

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from numpyro_igr._numerics.checks import check_positive
from numpyro_igr._numerics.precision import in_full_precision
from numpyro_igr.discrete._check_probs import to_log_probs
from numpyro_igr.distributions.one_hot import OneHotCategorical


class Recovered:
    """What a member of the family has of the discrete distribution that it recovers.

    ``_log_probs`` is the logarithm of that, of the vertex h(y) which z tends to, and
    ``_match`` inverts it.
    """

    batch_shape: tuple[int, ...]
    event_shape: tuple[int, ...]
    options: ClassVar[tuple[str, ...]]
    _validate_args: bool

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

    def _log_probs(self) -> Array:
        raise NotImplementedError

    @property
    def logits(self) -> Array:
        """Log probabilities, in nats, of the recovered discrete distribution.

        Shape:
            ``batch + (K,)``.
        """
        shape = self.batch_shape + self.event_shape
        return jnp.broadcast_to(self._log_probs(), shape)

    @property
    def probs(self) -> Array:
        """Probabilities of the discrete distribution that this one relaxes: E[h(y)].

        Shape:
            ``batch + (K,)``.
        """
        return jnp.exp(self.logits)

    @property
    def mode(self) -> Array:
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
        logits = self.logits
        logits = jnp.maximum(logits, jnp.finfo(logits.dtype).min)
        return OneHotCategorical(logits=logits, validate_args=self._validate_args)

    @staticmethod
    def _match(log_probs: Array, scale: ArrayLike, **options: Any) -> Array:
        raise NotImplementedError

    @classmethod
    def from_probs(
        cls,
        temperature: ArrayLike,
        probs: Array | None = None,
        logits: Array | None = None,
        scale: ArrayLike = 1.0,
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
            >>> import jax.numpy as jnp
            >>> from numpyro_igr import IGR
            >>> q = IGR.from_probs(0.1, jnp.array([0.5, 0.3, 0.2]))
            >>> [round(x, 4) for x in q.probs.tolist()]
            [0.5, 0.3, 0.2]
        """
        validate_args = options.pop("validate_args", None)
        check_positive(validate_args=validate_args, scale=scale)
        log_probs = to_log_probs(probs, logits)
        given = cast(Array, logits if probs is None else probs)
        _, dtype = in_full_precision(given, scale)
        loc = cls._match(log_probs, scale, **options).astype(dtype)
        make = cast(Callable[..., Self], cls)
        return make(temperature, loc, scale, validate_args=validate_args, **options)
