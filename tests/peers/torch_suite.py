"""Our distributions as the examples of PyTorch's own tests; run by ``suites.py``.

Every test of its suite that goes through the table of examples, distribution by
distribution.
"""

import inspect
from unittest import TestCase, skip

import test_distributions as suite
import torch

import pyro_igr

LOC = torch.tensor([[0.3, -0.6], [0.5, 0.1]])
SCALE = torch.tensor([[0.8, 1.1], [1.2, 0.7]])
PLANAR = pyro_igr.PlanarTransform(0.4 * LOC[0], SCALE[0], 0.1)


def _gaussian(**others):
    """One, a batch of them, and a batch of temperatures too, with gradients."""
    return [
        {
            "temperature": temperature,
            "loc": loc.clone().requires_grad_(),
            "scale": scale.clone().requires_grad_(),
            **others,
        }
        for temperature, loc, scale in (
            (0.7, LOC[0], SCALE[0]),
            (torch.tensor(0.7), LOC, SCALE),
            (torch.tensor([0.7, 1.3]), LOC, SCALE),
        )
    ]


EXAMPLES = {
    pyro_igr.IGR: _gaussian(),
    pyro_igr.ExpIGR: _gaussian(),
    pyro_igr.IGRStraightThrough: _gaussian(),
    pyro_igr.IGRStickBreaking: _gaussian(),
    pyro_igr.IGRFlow: _gaussian(flow=PLANAR),
    pyro_igr.InfiniteIGR: _gaussian(rho=1.0),
    pyro_igr.GEM: [
        {"concentration": 2.0, "num_sticks": 3},
        {"concentration": torch.tensor([2.0, 3.0]), "num_sticks": 3},
    ],
}
BAD = {"loc": torch.tensor([0.0, torch.nan]), "scale": torch.tensor([1.0, 0.0])}
BAD_EXAMPLES = {
    law: [
        examples[0] | {"temperature": -1.0},
        *(examples[0] | {name: value} for name, value in BAD.items()),
    ]
    for law, examples in EXAMPLES.items()
} | {pyro_igr.GEM: [{"concentration": -1.0, "num_sticks": 3}]}
SKIPPED = {
    (pyro_igr.ExpIGR, "test_mode"): "ExpIGR: its mode is that of its one-hot law",
    (pyro_igr.GEM, "test_mode"): "GEM: it has no mode, like LogisticNormal",
}
# These have nothing to go through, or want all distributions of PyTorch in the table.
NOT_OURS = "test_has_examples", "test_entropy_exponential_family"


def _is_generic(name, test):
    if not name.startswith("test_") or name in NOT_OURS:
        return False
    source = inspect.getsource(inspect.unwrap(test))
    tables = " in EXAMPLES", " in BAD_EXAMPLES", "_examples()"
    return any(table in source for table in tables)


def _of_law(case, law):
    """A test case of the suite with this distribution alone in the tables."""

    def set_up(self):
        suite.EXAMPLES = [suite.Example(law, EXAMPLES[law])]
        suite.BAD_EXAMPLES = [suite.Example(law, BAD_EXAMPLES[law])]
        suite._get_examples = lambda: suite.EXAMPLES
        suite._get_bad_examples = lambda: suite.BAD_EXAMPLES
        case.setUp(self)

    body = {"setUp": set_up}
    for name, test in vars(case).items():
        if name.startswith("test_") and not _is_generic(name, test):
            body[name] = None
        elif (law, name) in SKIPPED:
            body[name] = skip(SKIPPED[law, name])(test)
    return type(f"{case.__name__}{law.__name__}", (case,), body)


CASES = [
    case
    for case in vars(suite).values()
    if isinstance(case, type) and issubclass(case, TestCase)
]
globals().update(
    {
        made.__name__: made
        for made in (_of_law(case, law) for case in CASES for law in EXAMPLES)
    }
)
