"""What the guide says of more images than it takes at once, in both hosts."""

import tracemalloc

import numpy as np
import pytest
from tiny_mixture import mixture_of_four

NUM_IMAGES, NUM_DRAWS = 600, 3  # in three parts


@pytest.fixture(params=["pyro", "numpyro"])
def host(request):
    return request.param


def test_a_draw_of_shared_weights_is_one_for_all_images(host):
    usage = mixture_of_four(host, num_steps=3).usage(NUM_IMAGES, NUM_DRAWS)
    assert usage.probs.shape == (NUM_DRAWS, NUM_IMAGES, 5)
    np.testing.assert_allclose(usage.probs, usage.probs[:, [0] * NUM_IMAGES], rtol=1e-5)
    assert (usage.needed == usage.needed[:, :1]).all()
    assert len(np.unique(usage.probs[:, 0], axis=0)) == NUM_DRAWS


def test_each_image_draws_weights_of_its_own(host):
    mixture = mixture_of_four(host, num_steps=3, assignment="weights")
    usage = mixture.usage(NUM_IMAGES, NUM_DRAWS)
    draws = usage.probs.reshape(-1, 5)
    assert len(np.unique(draws, axis=0)) == NUM_DRAWS * NUM_IMAGES


def test_codes_alone_are_the_same_and_take_no_memory_for_probabilities(host):
    mixture = mixture_of_four(host, num_steps=3)
    of = NUM_IMAGES, 100
    usage = mixture.usage(*of)
    tracemalloc.start()
    codes = mixture.codes(*of)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_array_equal(codes, usage.codes)
    assert peak < usage.probs.nbytes / 5
