"""The parts of an automatic guide, which the first run of its model tells."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast
from weakref import ref

import pyro
from pyro.infer.autoguide import AutoGuideList
from pyro.poutine import Trace
from torch import Tensor

from pyro_igr.infer.autoguide._supports import check_categories


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

    def _check_prototype(self, part_trace: Trace) -> None:
        check_categories(cast(Trace, self.prototype_trace), part_trace)
        super()._check_prototype(part_trace)

    # Parts of a guide that is copied have lost it.
    def _create_plates(self, *args: Any, **kwargs: Any) -> dict[str, pyro.plate]:
        for part in cast(Any, self):
            if part.master is None:
                part._update_master(ref(self))
        return super()._create_plates(*args, **kwargs)

    # A checkpoint that was loaded has parameters before the first run.
    @contextmanager
    def _reset_if_it_fails(self) -> Iterator[None]:
        store = pyro.get_param_store()
        held = set(store.keys())
        try:
            yield
        except BaseException:
            for part in cast(Any, self):
                part._update_master(None)
            self._modules.clear()
            self.prototype_trace = None
            for name in [*store.keys()]:
                if name.startswith(f"{self._pyro_name}.") and name not in held:
                    del store[name]
            raise

    def _check_run(self) -> None:
        if self.prototype_trace is None:
            raise ValueError(
                f"{type(self).__name__} knows its sites from a first run of the model: "
                "call the guide with its arguments first"
            )
