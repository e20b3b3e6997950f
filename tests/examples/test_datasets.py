"""The example data sets: shapes, splits, and one clear error per broken file."""

import gzip
import hashlib
import io
import math
import os
import re
import struct
import tempfile
import tracemalloc
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
import pooch
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from sklearn.datasets import load_digits

from examples.harness.run import RunOptions
from examples.images import datasets
from examples.images.datasets import SOURCES, locate

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = SOURCES["mnist"].sha256
SMALL1, SMALL2 = SOURCES["omniglot"].sha256


def header(shape):
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape)


def idx(array):
    return header(array.shape) + array.astype(np.uint8).tobytes()


def mnist_content(train, test):
    arrays = [train, np.arange(len(train)) % 10, test, np.arange(len(test)) % 10]
    files = SOURCES["mnist"].sha256
    return {
        file: gzip.compress(idx(array), mtime=0)
        for file, array in zip(files, arrays, strict=True)
    }


def small_mnist():
    rng = np.random.default_rng(0)
    return mnist_content(
        rng.integers(256, size=(12, 4, 3)), rng.integers(256, size=(5, 4, 3))
    )


@cache
def png(ink_columns=52, size=105):
    pixels = np.ones((size, size), bool)
    pixels[:, :ink_columns] = False
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


def archive(files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as content:
        for name, data in files.items():
            content.writestr(name, data)
    return file.getvalue()


def drawings(root, *characters, count=5):
    return {
        f"{root}/{character}/{drawing:02}.png": png()
        for character in characters
        for drawing in range(count)
    }


def small_omniglot():
    return {
        SMALL1: archive(drawings("small1", "Greek/character01", "Greek/character02")),
        SMALL2: archive(drawings("small2", "Greek/character02", "Avesta/character01")),
    }


def write(folder, content):
    folder.mkdir(parents=True, exist_ok=True)
    for file, data in content.items():
        (folder / file).write_bytes(data)
    return folder


def assert_splits_are_well_formed(dataset):
    pixels = np.prod(dataset.image_shape)
    for split in (dataset.train, dataset.validation, dataset.test):
        assert split.images.dtype == np.float32
        assert split.labels.dtype == np.int64
        assert split.images.shape == (len(split.labels), pixels)
        assert split.images.min() >= 0
        assert split.images.max() <= 1


def sizes(dataset):
    return [len(split.labels) for split in dataset[2:]]


def test_digits_need_no_file():
    digits = datasets.load_dataset("digits", data_dir="no/such/folder")
    assert_splits_are_well_formed(digits)
    assert digits.name == "digits"
    assert digits.image_shape == (8, 8)
    assert sizes(digits) == [1297, 250, 250]
    assert all(set(split.labels) == set(range(10)) for split in digits[2:])


def test_mnist_5k_needs_no_file_and_has_its_labels():
    mnist = datasets.load_dataset("mnist-5k", data_dir="no/such/folder")
    assert_splits_are_well_formed(mnist)
    assert mnist.image_shape == (28, 28)
    assert sizes(mnist) == [4000, 500, 500]
    images, labels = (np.concatenate(x) for x in zip(*mnist[2:], strict=True))
    assert len(np.unique(images, axis=0)) == 5000
    assert np.bincount(labels).tolist() == [500] * 10
    assert images.mean() == pytest.approx(0.1307, abs=2e-3)  # that of MNIST
    train, test = mnist.train, mnist.test
    means = np.stack([train.images[train.labels == k].mean(0) for k in range(10)])
    distances = ((test.images[:, None] - means) ** 2).sum(-1)
    assert np.mean(distances.argmin(-1) == test.labels) > 0.75
    again = datasets.load_dataset("mnist-5k").test
    np.testing.assert_array_equal(again.images, test.images)


def test_the_splits_of_digits_hold_every_image_once():
    digits = datasets.load_dataset("digits")
    images = np.concatenate([split.images for split in digits[2:]]) * 16
    expected = load_digits().data
    np.testing.assert_array_equal(
        images[np.lexsort(images.T)], expected[np.lexsort(expected.T)]
    )


def test_an_image_keeps_its_label_in_the_shuffle():
    source = load_digits()
    pixels = source.data.astype(np.uint8)
    label = {bytes(x): y for x, y in zip(pixels, source.target, strict=True)}
    test = datasets.load_dataset("digits").test
    images = (test.images * 16).astype(np.uint8)
    assert [label[bytes(image)] for image in images] == test.labels.tolist()


@pytest.mark.parametrize("name", ["digits", "omniglot"])
def test_the_shuffle_is_the_same_on_every_call(name, tmp_path):
    write(tmp_path, small_omniglot())
    first, second = (datasets.load_dataset(name, tmp_path) for _ in range(2))
    for one, other in zip(first[2:], second[2:], strict=True):
        np.testing.assert_array_equal(one.images, other.images)
        np.testing.assert_array_equal(one.labels, other.labels)


def test_binarize_keeps_the_pixels_above_the_threshold():
    images = np.array([[0.0, 0.5, 0.51, 1.0]], np.float32)
    assert datasets.binarize(images).dtype == np.float32
    assert datasets.binarize(images).tolist() == [[0, 0, 1, 1]]
    assert datasets.binarize(images, threshold=0.0).tolist() == [[0, 1, 1, 1]]


@settings(max_examples=25, deadline=None)
@given(data=st.data(), height=st.integers(1, 5), width=st.integers(1, 5))
def test_small_images_round_trip_through_idx(data, height, width):
    def images(max_size):
        size = data.draw(st.integers(1, max_size))
        return data.draw(hnp.arrays(np.uint8, (size, height, width)))

    train, test = images(max_size=13), images(max_size=3)
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), mnist_content(train, test))
        mnist = datasets.load_dataset("mnist", folder)
    assert mnist.image_shape == (height, width)
    loaded = np.concatenate([mnist.train.images, mnist.validation.images])
    for images, expected in ((loaded, train), (mnist.test.images, test)):
        np.testing.assert_array_equal(
            np.rint(images * 255), expected.reshape(len(expected), -1)
        )


def test_static_pixels_are_drawn_once_by_their_gray_values():
    gray, static, again = (load_digits_with(p) for p in ("gray", "static", "static"))
    for split in "train", "validation", "test":
        images, drawn = getattr(gray, split), getattr(static, split)
        np.testing.assert_array_equal(drawn, getattr(again, split))
        assert drawn.dtype == np.float32
        assert set(np.unique(drawn)) == {0, 1}
        assert (drawn[images == 0] == 0).all()
        assert (drawn[images == 1] == 1).all()
        for shade in np.unique(images):
            pixels = drawn[images == shade]
            error = 4 * math.sqrt(shade * (1 - shade) / len(pixels))
            assert pixels.mean() == pytest.approx(shade, abs=error + 1e-6)
    assert (static.train[:250] != static.test).mean() > 0.2  # no noise in common


def load_digits_with(pixels):
    return datasets.load_binary_images(RunOptions(dataset="digits", pixels=pixels))


def test_a_digest_tells_images_and_their_pixels_apart():
    gray = datasets.load_dataset("digits").train.images
    others = gray.copy(), gray[::-1], gray.reshape(-1, 32)
    others[0][5, 20] += 1e-3
    binary = [datasets.binarize(images) for images in (gray, gray[::-1])]
    assert len({datasets.digest(images) for images in (gray, *others, *binary)}) == 6
    assert datasets.digest(gray) == datasets.digest(gray.copy())
    zeros = np.zeros((2, 8), np.float32)  # as of runs that are found already
    assert datasets.digest(zeros) == hashlib.sha256(b"(2, 8)\0\0").hexdigest()[:16]


def test_the_last_sixth_of_the_training_images_is_for_validation(tmp_path):
    write(tmp_path, small_mnist())
    mnist = datasets.load_dataset("mnist", tmp_path)
    assert_splits_are_well_formed(mnist)
    assert mnist.train.labels.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert mnist.validation.labels.tolist() == [0, 1]
    assert mnist.test.labels.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("mnist", "."),
        ("mnist", "mnist"),
        ("fashion-mnist", "."),
        ("fashion-mnist", "fashion_mnist"),
        ("omniglot", "."),
        ("omniglot", "omniglot"),
        ("omniglot", "omniglot_small"),
    ],
)
def test_the_files_may_lie_in_data_dir_or_in_a_folder_of_it(name, folder, tmp_path):
    write(tmp_path / folder, small_omniglot() if name == "omniglot" else small_mnist())
    dataset = datasets.load_dataset(name, str(tmp_path))
    assert dataset.name == name
    assert_splits_are_well_formed(dataset._replace(validation=dataset.test))


def test_idx_files_may_be_unzipped(tmp_path):
    content = small_mnist()
    for file in (TRAIN_IMAGES, TEST_LABELS):
        content[file.removesuffix(".gz")] = gzip.decompress(content.pop(file))
    write(tmp_path, content)
    assert sizes(datasets.load_dataset("mnist", tmp_path)) == [10, 2, 5]


def test_a_data_set_is_not_completed_with_the_files_of_another(tmp_path):
    write(tmp_path, small_mnist())
    fashion = {TRAIN_IMAGES: small_mnist()[TRAIN_IMAGES]}
    write(tmp_path / "fashion_mnist", fashion)
    with pytest.raises(
        FileNotFoundError, match=f"{TEST_LABELS} not found in .*fashion"
    ):
        datasets.load_dataset("fashion-mnist", tmp_path)


def test_the_folder_of_the_data_set_comes_first(tmp_path):
    write(tmp_path, mnist_content(np.zeros((6, 2, 2)), np.zeros((1, 2, 2))))
    write(tmp_path / "fashion_mnist", small_mnist())
    fashion = datasets.load_dataset("fashion-mnist", tmp_path)
    assert fashion.image_shape == (4, 3)


def test_omniglot_counts_a_drawing_in_both_archives_once(tmp_path):
    omniglot = datasets.load_dataset("omniglot", write(tmp_path, small_omniglot()))
    assert_splits_are_well_formed(omniglot)
    assert omniglot.image_shape == (28, 28)
    assert sizes(omniglot) == [13, 1, 1]
    labels = np.concatenate([split.labels for split in omniglot[2:]])
    assert np.bincount(labels).tolist() == [5, 5, 5]


def test_an_omniglot_label_is_the_rank_of_the_character(tmp_path):
    first = {"a/Greek/character01/1.png": png(ink_columns=105)}
    second = drawings("b", "Greek/character10", "Avesta/character02", count=1)
    write(tmp_path, {SMALL1: archive(first), SMALL2: archive(second)})
    train = datasets.load_dataset("omniglot", tmp_path).train
    assert train.labels[train.images.min(axis=1) == 1].tolist() == [1]


def test_ink_is_one_and_paper_is_zero(tmp_path):
    write(tmp_path, small_omniglot())
    image = datasets.load_dataset("omniglot", tmp_path).test.images.reshape(28, 28)
    assert np.all(image[:, :13] == 1)
    assert np.all(image[:, 14:] == 0)
    assert np.all((image[:, 13] > 0) & (image[:, 13] < 1))


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=re.escape(str(datasets.DATASETS))):
        datasets.load_dataset("cifar")


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "omniglot"])
def test_a_missing_data_dir_is_named(name, tmp_path):
    with pytest.raises(FileNotFoundError, match="data_dir .*absent is not a folder"):
        datasets.load_dataset(name, tmp_path / "absent")


@pytest.mark.parametrize("file", [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS])
def test_a_missing_file_is_named_with_its_folder(file, tmp_path):
    content = small_mnist()
    del content[file]
    folder = write(tmp_path / "mnist", content)
    with pytest.raises(FileNotFoundError) as error:
        datasets.load_dataset("mnist", tmp_path)
    assert str(error.value) == f"{file} not found in {folder}"


def test_an_empty_data_dir_names_every_file_and_every_place(tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        datasets.load_dataset("omniglot", tmp_path)
    places = (tmp_path / "omniglot_small", tmp_path / "omniglot", tmp_path)
    assert str(error.value) == (
        f"{SMALL1}, {SMALL2} not found in {' or '.join(map(str, places))}"
    )


def gunzipped(change):
    return lambda data: gzip.compress(change(gzip.decompress(data)))


def flip_a_middle_byte(data):
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :]


CORRUPTIONS = {
    "truncated gzip": (lambda data: data[:-9], "truncated or corrupt"),
    "flipped byte": (flip_a_middle_byte, "truncated or corrupt, expected a gzip file"),
    "not gzip": (gzip.decompress, "truncated or corrupt"),
    "no bytes": (lambda data: b"", "starts with bytes ''"),
    "wrong magic": (gunzipped(lambda data: b"\0\0\x0d" + data[3:]), "magic number '00"),
    "only magic": (gunzipped(lambda data: data[:4]), "4 bytes, expected"),
    "too short": (gunzipped(lambda data: data[:-1]), "bytes, expected"),
    "too long": (gunzipped(lambda data: data + b"\0"), "bytes, expected"),
}


@pytest.mark.parametrize("file", [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS])
@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_a_corrupt_idx_file_is_one_clear_error(corruption, file, tmp_path):
    corrupt, message = CORRUPTIONS[corruption]
    content = small_mnist()
    write(tmp_path, content | {file: corrupt(content[file])})
    with pytest.raises(ValueError, match=f"{re.escape(file)}: .*{message}") as error:
        datasets.load_dataset("mnist", tmp_path)
    assert "\n" not in str(error.value)


HUGE = 2**32 - 1, 2**32 - 1, 1
WRONG_ARRAYS = {
    "fewer labels than images": (TRAIN_LABELS, (11,), "11 labels, expected 12"),
    "more labels than images": (TEST_LABELS, (6,), "6 labels, expected 5"),
    "labels in place of images": (TRAIN_IMAGES, (12,), "'00000801', expected"),
    "images in place of labels": (TRAIN_LABELS, (12, 4, 3), "'00000803', expected"),
    "no images": (TRAIN_IMAGES, (0, 4, 3), "expected at least one item"),
    "no pixels": (TRAIN_IMAGES, (12, 0, 3), "expected at least one item"),
    "no labels": (TEST_LABELS, (0,), "expected at least one item"),
    "more than memory": (TRAIN_IMAGES, HUGE, "expected at least one item and at most"),
    "two image shapes": (TEST_IMAGES, (5, 3, 4), r"shape \(3, 4\), expected \(4, 3\)"),
}


@pytest.mark.parametrize("case", WRONG_ARRAYS)
def test_arrays_that_do_not_fit_are_one_clear_error(case, tmp_path):
    file, shape, message = WRONG_ARRAYS[case]
    content = header(shape) if shape is HUGE else idx(np.ones(shape))
    write(tmp_path, small_mnist() | {file: gzip.compress(content)})
    with pytest.raises(ValueError, match=f"{re.escape(file)}: .*{message}"):
        datasets.load_dataset("mnist", tmp_path)


ONE = "a/b/c/1.png"
BROKEN_ARCHIVES = {
    "truncated": (lambda data: data[:-30], "truncated or corrupt, expected a zip"),
    "flipped byte": (flip_a_middle_byte, "corrupt, expected"),
    "not a zip": (lambda _: b"<html>", "truncated or corrupt, expected a zip"),
    "not a PNG": (lambda _: archive({ONE: b"text"}), "expected a zip file of PNG"),
    "cut PNG": (lambda _: archive({ONE: png()[:-30]}), "zip file of PNG"),
    "no root": (lambda _: archive({"b/c/1.png": png()}), "root/alphabet/character"),
    "empty": (lambda _: archive({}), "root/alphabet/character/drawing.png"),
}


@pytest.mark.parametrize("case", BROKEN_ARCHIVES)
def test_a_broken_archive_is_one_clear_error(case, tmp_path):
    corrupt, message = BROKEN_ARCHIVES[case]
    content = small_omniglot()
    write(tmp_path, content | {SMALL2: corrupt(content[SMALL2])})
    with pytest.raises(ValueError, match=f"{re.escape(SMALL2)}: .*{message}"):
        datasets.load_dataset("omniglot", tmp_path)


BOMB = bytes(2**26)


def packed(method=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as content:
        content.writestr(ONE, BOMB)
    return file.getvalue()


def lie(archive):
    """The archive with headers that say that its member has 300 bytes."""
    told = archive.replace(struct.pack("<I", len(BOMB)), struct.pack("<I", 300))
    assert told != archive
    return told


BOMBS = {
    "gzip": (TRAIN_LABELS, lambda: gzip.compress(header((12,)) + BOMB), "more bytes"),
    "zip": (SMALL2, packed, "1.png of 67108864 bytes"),
    "zip that lies": (SMALL2, lambda: lie(packed()), "corrupt"),
    "bzip2": (SMALL2, lambda: lie(packed(zipfile.ZIP_BZIP2)), "stored or deflated"),
    "PNG": (SMALL2, lambda: archive({ONE: png(size=8000)}), "of size .8000, 8000."),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_no_more_is_unpacked_than_headers_promise(bomb, tmp_path):
    file, pack, message = BOMBS[bomb]
    name, content = (
        ("omniglot", small_omniglot()) if file == SMALL2 else ("mnist", small_mnist())
    )
    write(tmp_path, content | {file: pack()})
    tracemalloc.start()
    with pytest.raises(ValueError, match=f"{re.escape(file)}: .*{message}") as error:
        datasets.load_dataset(name, tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**22
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", SOURCES)
def test_downloads_are_by_https_and_verified_by_sha256(name, monkeypatch, tmp_path):
    asked = []

    def retrieve(url, known_hash, *_, **__):
        asked.append((url, known_hash))
        return tmp_path

    monkeypatch.setattr(pooch, "retrieve", retrieve)
    locate(SOURCES[name], None)
    for url, known_hash in asked:
        assert url.startswith("https://")
        assert re.fullmatch("sha256:[0-9a-f]{64}", known_hash)


@pytest.fixture
def network(monkeypatch, tmp_path):
    """A network of small files: URL to bytes, next to the cache and the log of it."""

    class Network:
        files = {}
        requests = []
        cache = tmp_path / "cache"

        def publish(self, name, content):
            source = SOURCES[name]
            sha256 = {
                file: hashlib.sha256(data).hexdigest() for file, data in content.items()
            }
            monkeypatch.setitem(SOURCES, name, source._replace(sha256=sha256))
            self.files |= {source.url + file: data for file, data in content.items()}

        def download(self, url, output_file, pooch):
            self.requests.append(url)
            if url not in self.files:
                raise ConnectionError("no route to host")
            Path(output_file).write_bytes(self.files[url])

    network = Network()
    monkeypatch.setattr(pooch, "os_cache", lambda name: network.cache / name)
    monkeypatch.setattr(
        pooch.core, "choose_downloader", lambda url, progressbar: network.download
    )
    return network


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("mnist", small_mnist()),
        ("fashion-mnist", small_mnist()),
        ("omniglot", small_omniglot()),
    ],
)
def test_files_are_downloaded_once(name, content, network):
    network.publish(name, content)
    first, second = (datasets.load_dataset(name) for _ in range(2))
    np.testing.assert_array_equal(first.train.images, second.train.images)
    assert network.requests == list(network.files)
    folder = network.cache / "pyro-igr" / SOURCES[name].folders[0]
    assert {path.name for path in folder.iterdir()} == set(content)


def test_a_failed_download_names_the_url_and_the_way_out(network):
    url = SOURCES["mnist"].url + TRAIN_IMAGES
    with pytest.raises(OSError, match=rf"{re.escape(url)} .*--data-dir") as error:
        datasets.load_dataset("mnist")
    assert "\n" not in str(error.value)


def test_a_half_downloaded_file_is_never_used(network):
    network.publish("mnist", small_mnist())
    url = SOURCES["mnist"].url + TEST_IMAGES
    whole = network.files[url]
    network.files[url] = whole[:-1]
    for _ in range(2):
        with pytest.raises(
            OSError, match=f"could not download {re.escape(url)} intact"
        ):
            datasets.load_dataset("mnist")
    network.files[url] = whole
    assert sizes(datasets.load_dataset("mnist")) == [10, 2, 5]


def test_a_damaged_cache_is_downloaded_again(network):
    network.publish("mnist", small_mnist())
    datasets.load_dataset("mnist")
    (network.cache / "pyro-igr" / "mnist" / TEST_LABELS).write_bytes(b"damaged")
    assert sizes(datasets.load_dataset("mnist")) == [10, 2, 5]
    assert network.requests[4:] == [SOURCES["mnist"].url + TEST_LABELS]


def test_a_folder_given_by_the_user_needs_no_network(network, tmp_path):
    datasets.load_dataset("mnist", write(tmp_path / "mine", small_mnist()))
    assert network.requests == []


@pytest.fixture
def real():
    folder = os.environ.get("IGR_DATA_DIR")
    if folder is None:
        pytest.skip("IGR_DATA_DIR does not name a folder with the real data sets")
    return lambda name: datasets.load_dataset(name, folder)


@pytest.mark.parametrize(
    ("name", "mean"), [("mnist", 0.1307), ("fashion-mnist", 0.2860)]
)
def test_the_real_idx_files_have_the_published_statistics(name, mean, real):
    dataset = real(name)
    assert_splits_are_well_formed(dataset)
    assert dataset.image_shape == (28, 28)
    assert sizes(dataset) == [50_000, 10_000, 10_000]
    training = [dataset.train.images.mean()] * 5 + [dataset.validation.images.mean()]
    assert np.mean(training) == pytest.approx(mean, abs=1e-4)
    assert np.bincount(dataset.test.labels).size == 10


def test_the_real_omniglot_has_twenty_drawings_per_character(real):
    omniglot = real("omniglot")
    assert_splits_are_well_formed(omniglot)
    assert sizes(omniglot) == [3872, 484, 484]
    labels = np.concatenate([split.labels for split in omniglot[2:]])
    assert np.bincount(labels).tolist() == [20] * 242
    assert 0.05 < omniglot.train.images.mean() < 0.15
