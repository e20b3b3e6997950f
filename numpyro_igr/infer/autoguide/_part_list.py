"""The parts of an automatic guide, which the first run of its model tells."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpyro
from jax import Array, random
from numpyro.infer.autoguide import AutoGuideList


class PartList(AutoGuideList):
    """A list of guides that reports nothing before its first run has filled it."""

    def median(self, params: dict[str, Any]) -> dict[str, Array]:
        """Of each site: its median, and the discrete probabilities of a relaxed one."""
        self._check_run()
        return super().median(params)

    def quantiles(
        self, params: dict[str, Any], quantiles: Sequence[float] | float
    ) -> dict[str, Array]:
        """Of each site: its quantiles, and for each the ``median`` of a relaxed one."""
        self._check_run()
        return super().quantiles(params, quantiles)

    def sample_posterior(
        self,
        rng_key: Array,
        params: dict[str, Any],
        *args: Any,
        sample_shape: tuple[int, ...] = (),
        **kwargs: Any,
    ) -> dict[str, Array]:
        """With the options of the first run; ``Predictive`` has trained ones."""
        self._check_run()
        kwargs, samples = {"sample_shape": sample_shape} | kwargs, {}
        for part, key in zip(self, random.split(rng_key, len(self)), strict=True):
            samples |= part.sample_posterior(key, params, *args, **kwargs)
        return samples

    # All parts have one object a plate, so one subsample, also of an enumerating host.
    def _create_plates(self, *args: Any, **kwargs: Any) -> dict[str, numpyro.plate]:
        self.plates: dict[str, numpyro.plate] = super()._create_plates(*args, **kwargs)
        return self.plates

    def _shared_plates(self, *args: Any, **kwargs: Any) -> dict[str, numpyro.plate]:
        return self.plates

    @contextmanager
    def _reset_if_it_fails(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._guides.clear()
            self.prototype_trace = None
            self._prototype_frames.clear()
            self._prototype_frame_full_sizes.clear()
            raise

    def _check_run(self) -> None:
        if self.prototype_trace is None:
            raise ValueError(
                f"{type(self).__name__} knows its sites from a first run of the model: "
                "call the guide with its arguments first"
            )
