"""Of which maps of the host a flow may consist."""

import numpy as np
import pytest

LOC, SCALE = np.array([0.3, -0.8]), np.array([0.7, 1.2])


def law_of(backend, flow):
    return backend.igr.IGRFlow(0.5, backend.array(LOC), backend.array(SCALE), flow)


def compose(*names):
    return lambda t: t.ComposeTransform([getattr(t, name)() for name in names])


# Of the sign nothing is left, or the image is not all of the space.
NO_BIJECTIONS = {
    "abs": lambda t: t.AbsTransform(),
    "sigmoid": lambda t: t.SigmoidTransform(),
    "exp_of_vectors": lambda t: t.IndependentTransform(t.ExpTransform(), 1),
    "ordered": lambda t: t.OrderedTransform(),
    "composed": compose("AbsTransform", "ExpTransform"),
    "inverse": lambda t: t.ExpTransform().inv,
    "side_by_side": lambda t: t.CatTransform([t.ExpTransform()] * 2, -1),
    "second": lambda t: [t.AffineTransform(0.0, 2.0), t.SigmoidTransform()],
}


@pytest.mark.parametrize("flow", NO_BIJECTIONS.values(), ids=NO_BIJECTIONS)
def test_a_map_that_is_no_bijection_of_real_vectors_is_refused(backend, flow):
    with pytest.raises(ValueError, match="flow to consist of bijections of real"):
        law_of(backend, flow(backend.dist.transforms))


BIJECTIONS = {
    "none": lambda t: [],
    "affine": lambda t: t.AffineTransform(0.3, 2.0),
    "composed": lambda t: t.ComposeTransform([t.ExpTransform(), t.ExpTransform().inv]),
    "of_vectors": lambda t: t.IndependentTransform(t.AffineTransform(0.3, 2.0), 1),
    "side_by_side": lambda t: t.CatTransform([t.AffineTransform(0.3, 2.0)] * 2, -1),
    "inverse": lambda t: t.AffineTransform(0.3, 2.0).inv,
}


@pytest.mark.parametrize("flow", BIJECTIONS.values(), ids=BIJECTIONS)
def test_a_bijection_of_real_vectors_scores_what_it_makes(backend, flow):
    law = law_of(backend, flow(backend.dist.transforms))
    z = backend.sample(law, 0, (5,))
    assert np.isfinite(backend.numpy(law.log_prob(z))).all()
