"""Integers and half precision mean the reals that they stand for."""

import numpy as np
import pytest


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_computed_in_single_and_returned_in_its_own(backend, dtype):
    values = backend.array([0.5, 2.0], dtype), 1
    (x, one), returned = backend.igr._numerics.precision.in_full_precision(*values)
    assert str(x.dtype).endswith("float32")
    assert str(one.dtype).endswith("float32")
    assert returned == values[0].dtype
    np.testing.assert_array_equal(backend.numpy(x), [0.5, 2.0])


def test_integers_are_reals_in_the_default_precision(backend):
    values = backend.array([3], "int64"), 2
    (three, two), returned = backend.igr._numerics.precision.in_full_precision(*values)
    assert "float" in str(returned)
    assert backend.numpy(three / two) == 1.5


def test_complex_numbers_are_refused(backend):
    with pytest.raises(TypeError, match="real numbers"):
        backend.igr._numerics.precision.in_full_precision(
            backend.array([1j], "complex64")
        )
