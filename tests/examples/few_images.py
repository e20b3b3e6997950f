"""Has a program load few of the images that it is asked for, to be done soon."""

from examples.images.datasets import BinaryImages

TRAIN, HELD_OUT = 800, 50


def load_few(module, patch, train=TRAIN, held_out=HELD_OUT):
    """From now on, so many to learn from, to choose by and to report on.

    Args:
        module: Of an example.
        patch: Of pytest, which ends it.
        train: The number to learn from.
        held_out: The number of each of the others.
    """
    name = "load_images" if hasattr(module, "load_images") else "load_binary_images"
    load, numbers = getattr(module, name), (train, held_out, held_out)

    def load_images(options):
        shape, *splits = load(options)
        return BinaryImages(shape, *map(first, splits, numbers))

    patch.setattr(module, name, load_images)
    if hasattr(module, "load_labels"):
        load_all_labels = module.load_labels

        def load_labels(options):
            return map(first, load_all_labels(options), (train, held_out))

        patch.setattr(module, "load_labels", load_labels)


def first(rows, number):
    return rows[:number]
