"""The rows of a table are the same for an integer, a vertex and an enumerated value."""

import numpy as np
import pytest

TABLE = np.random.default_rng(0).normal(size=(4, 2, 3))
INDEX = np.array([[3, 0, 1], [2, 2, 1]])


def rows(backend, z, dtype="float64", **options):
    z = backend.array(z, dtype) if dtype else z
    return backend.numpy(backend.igr.lookup(backend.array(TABLE), z, **options))


def integers(backend, z):
    """The values of the host's own Categorical, which are integers."""
    logits = backend.array(np.where(np.eye(4)[z] > 0, 0.0, -1e9))
    return backend.dist.Categorical(logits=logits).sample(*backend.chance(0))


def test_integers_choose_rows(backend):
    z = integers(backend, INDEX)
    np.testing.assert_array_equal(rows(backend, z, dtype=None), TABLE[INDEX])


def test_the_lowest_integer_chooses_the_first_row(backend):
    z = integers(backend, INDEX) + 5
    found = rows(backend, z, dtype=None, low=5)
    np.testing.assert_array_equal(found, TABLE[INDEX])


def test_vertices_choose_the_rows_of_their_integers(backend):
    np.testing.assert_array_equal(rows(backend, np.eye(4)[INDEX]), TABLE[INDEX])


@pytest.mark.parametrize("dtype", ["int32", "bool"])
def test_vertices_of_integers_choose_the_rows_of_their_integers(backend, dtype):
    vertices = np.eye(4)[INDEX].astype(dtype)
    found = rows(backend, vertices, dtype, event_dim=1)
    np.testing.assert_array_equal(found, TABLE[INDEX])


@pytest.mark.parametrize("validated", [True, False])
@pytest.mark.parametrize("index", [2, [0, 1, 3]], ids=["one", "several"])
def test_one_hot_integers_are_numbers_with_a_warning(backend, index, validated):
    z = np.eye(4, dtype=int)[index]
    with backend.validation(validated):
        with pytest.warns(UserWarning, match="event_dim=1 .* event_dim=0") as found:
            chosen = rows(backend, z, "int32")
    np.testing.assert_array_equal(chosen, TABLE[z])
    assert found[0].filename == __file__


def test_one_hot_integers_of_three_rows_are_warned_of(backend):
    with pytest.warns(UserWarning, match="event_dim=1 .* event_dim=0"):
        backend.igr.lookup(backend.array(TABLE[:3]), backend.array([0, 1, 0], "int32"))


def of(num_rows, z, **options):
    return TABLE[np.arange(num_rows) % 4], np.array(z), options


NUMBERS = {
    "as said": of(4, [0, 1, 0, 0], event_dim=0),
    "with a first number": of(3, [0, 1, 0], low=-1),
    "two rows": of(2, [[0, 1], [1, 0]]),
    "two ones": of(3, [[0, 1, 0], [1, 0, 1]]),
    "a two": of(4, [0, 1, 0, 2]),
    "another length": of(4, [0, 1, 0]),
    "another dimension": of(3, [[0], [1], [0]]),
    "nothing": of(3, np.zeros((0, 3))),
}


@pytest.mark.parametrize(("table", "z", "options"), NUMBERS.values(), ids=NUMBERS)
def test_other_integers_are_numbers_without_one(backend, table, z, options):
    chosen = backend.igr.lookup(
        backend.array(table), backend.array(z, "int32"), **options
    )
    expected = table[z.astype(int) - options.get("low", 0)]
    np.testing.assert_array_equal(backend.numpy(chosen), expected)


def test_an_enumerated_vector_has_its_dimensions_to_the_left(backend):
    vertices = np.eye(4)[:, None, None]
    found = rows(backend, vertices)
    assert found.shape == (4, 1, 1, 2, 3)
    np.testing.assert_array_equal(found[:, 0, 0], TABLE)


def test_relaxed_vectors_mix_rows(backend):
    z = np.random.default_rng(1).dirichlet(np.ones(4), size=5)
    expected = np.einsum("bk,kij->bij", z, TABLE)
    np.testing.assert_allclose(rows(backend, z), expected, rtol=1e-12)


def test_real_numbers_lie_between_rows(backend):
    z = np.array([0.0, 0.25, 2.5, 3.0])
    expected = [
        np.interp(z, range(4), TABLE[:, i, j]) for i in (0, 1) for j in range(3)
    ]
    found = rows(backend, z, event_dim=0).reshape(4, 6)
    np.testing.assert_allclose(found, np.transpose(expected), rtol=1e-12)


@pytest.mark.parametrize(("z", "slope"), [(0.0, 1), (0.4, 1), (1.5, 2), (3.0, 3)])
def test_the_gradient_in_a_number_is_the_slope_between_rows(backend, z, slope):
    table = backend.array(TABLE[:, 0, 0])

    def row(z):
        return backend.igr.lookup(table, z, event_dim=0)

    (found,) = backend.grad(row, backend.array(z))
    expected = TABLE[slope, 0, 0] - TABLE[slope - 1, 0, 0]
    np.testing.assert_allclose(backend.numpy(found), expected, rtol=1e-12)


def test_a_table_of_one_row_has_this_row_only(backend):
    table = backend.array([[1.0, 2.0]])
    found = backend.igr.lookup(table, backend.array([0.0, 0.0]), event_dim=0)
    np.testing.assert_array_equal(backend.numpy(found), [[1.0, 2.0]] * 2)


@pytest.mark.parametrize(
    ("z", "options", "words"),
    [
        (0.0, {}, "last dimension of 4 in z.*event_dim=0"),
        ([0.0, 1.0], {}, "last dimension of 4 in z.*event_dim=0"),
        ([0.0, 1.0, 1.0, 1.0], {}, "simplex"),
        ([0.2, 0.3, 0.3, 0.19], {}, "simplex"),
        ([3.5], {"event_dim": 0}, "from 0 to 3"),
        ([-0.5], {"event_dim": 0}, "from 0 to 3"),
        ([0.0], {"event_dim": 0, "low": 1}, "from 1 to 4"),
        ([0.0], {"event_dim": 2}, "event_dim to be 0 or 1"),
        ([np.nan], {"event_dim": 0}, "from 0 to 3"),
    ],
)
def test_a_value_that_chooses_no_row_is_refused(backend, z, options, words):
    with pytest.raises(ValueError, match=words):
        rows(backend, z, **options)


@pytest.mark.parametrize(("number", "row"), [(0, slice(None)), (1, 0)])
def test_a_table_of_each_sample_is_multiplied_as_the_error_says(backend, number, row):
    tables, rows = TABLE[:, :, row], np.array([0, 1, 1, 0])
    z = backend.array(np.eye(2)[rows[:, None]])
    given = {"table": backend.array(tables), "z": z}
    with pytest.raises(ValueError, match="samples to the left of its rows") as error:
        backend.igr.lookup(**given)
    products = str(error.value).split("write ")[1].split(" if ")[0].split(", or ")
    found = backend.numpy(eval(products[number], given))
    np.testing.assert_array_equal(found, tables[range(4), rows][:, None])


@pytest.mark.parametrize("low", [1, -4])
def test_an_integer_out_of_range_is_refused(backend, low):
    with pytest.raises(ValueError, match=f"from {low} to {low + 3}"):
        rows(backend, integers(backend, np.array([0, 3])), dtype=None, low=low)


def test_a_table_with_infinite_entries_is_for_integers(backend):
    table = backend.array([0.0, -np.inf])
    z = integers(backend, np.array([1]))
    assert backend.numpy(backend.igr.lookup(table, z)) == -np.inf
    with pytest.raises(ValueError, match="table to be finite"):
        backend.igr.lookup(table, backend.array([0.0, 1.0]))
