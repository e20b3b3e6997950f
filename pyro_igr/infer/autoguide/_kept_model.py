"""The model of an automatic guide, which copies of the guide share."""

import pickle
from io import BytesIO
from typing import Any, Self

from torch import Tensor


class KeptModel(tuple):
    """The model as automatic guides keep it, but not taken from one that is copied.

    Copies share it, and a pickle has it unless it is a local function.

    Args:
        model: in a tuple.
    """

    def __deepcopy__(self, memo: dict) -> Self:
        return self

    def __reduce__(self) -> tuple:
        try:
            _Probe(BytesIO()).dump(self[0])
        except Exception:  # whatever an object in it raises
            return KeptModel, ((_lost,),)
        return KeptModel, (tuple(self),)


# Whether a model can be pickled, but for tensors, which can, and guides in its module,
# which ask that again.
class _Probe(pickle.Pickler):
    def persistent_id(self, obj: Any) -> str | None:
        return "" if isinstance(obj, Tensor | KeptModel) else None


def _lost(*args: Any, **kwargs: Any) -> None:
    raise ValueError(
        "this guide was pickled without its model, a local function, and the call "
        "needs to run it: define the model in a module, or load the parameters into a "
        "new guide"
    )
