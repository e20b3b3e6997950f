"""The parts of an automatic guide, which the first run of its model tells."""

from collections.abc import Sequence
from typing import Any

from pyro.infer.autoguide import AutoGuideList
from torch import Tensor


class PartList(AutoGuideList):
    """A list of guides that reports nothing before its first run has filled it."""

    def median(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Of each site: its median, and the discrete probabilities of a relaxed one."""
        self._check_run()
        return super().median(*args, **kwargs)

    def quantiles(
        self, quantiles: Sequence[float] | float, *args: Any, **kwargs: Any
    ) -> dict[str, Tensor]:
        """Of each site: its quantiles, and for each the ``median`` of a relaxed one."""
        self._check_run()
        return super().quantiles(quantiles, *args, **kwargs)

    def _check_run(self) -> None:
        if self.prototype_trace is None:
            raise ValueError(
                f"{type(self).__name__} knows its sites from a first run of the model: "
                "call the guide with its arguments first"
            )
