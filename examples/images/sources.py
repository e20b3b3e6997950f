"""Where the files of the image data sets are: addresses, checksums, folders."""

from pathlib import Path
from typing import NamedTuple

import pooch


class Source(NamedTuple):
    """The files of a data set: their address, folder names and checksums."""

    url: str
    folders: tuple[str, ...]
    sha256: dict[str, str]


SOURCES = {
    "mnist": Source(
        url="https://ossci-datasets.s3.amazonaws.com/mnist/",
        folders=("mnist",),
        sha256={
            "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        },
    ),
    "fashion-mnist": Source(
        url="https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        folders=("fashion_mnist",),
        sha256={
            "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        },
    ),
    "omniglot": Source(
        url="https://raw.githubusercontent.com/brendenlake/omniglot/master/python/",
        folders=("omniglot_small", "omniglot"),
        sha256={
            "images_background_small1.zip": "f38eb80f801274ac2b4dff5b24289016bfaba4a7d5bb50deebf27104ad6cb8a4",
            "images_background_small2.zip": "3ccaa407515a8778e5d0861875af38b17e418f301ad5bb3b5a6b65d901a41c7f",
        },
    ),
}


def locate(source: Source, data_dir: str | Path | None) -> list[Path]:
    """Paths of the files of a data set, in the order of its table.

    Args:
        source: The data set.
        data_dir: A folder with the files, or with a folder of them; if `None`, they
            are downloaded once, verified and cached.

    Raises:
        FileNotFoundError: If `data_dir` or a file in it does not exist.
        OSError: If a download fails.
    """
    if data_dir is None:
        return [_download(source, file) for file in source.sha256]
    return _find(source, Path(data_dir).expanduser())


def _download(source: Source, file: str) -> Path:
    url = source.url + file
    cache = pooch.os_cache("pyro-igr") / source.folders[0]
    try:
        path = pooch.retrieve(
            url, f"sha256:{source.sha256[file]}", file, cache, progressbar=True
        )
    except (OSError, ValueError) as error:
        raise OSError(
            f"could not download {url} intact; get the data set by other means and "
            "name its folder with data_dir (--data-dir)"
        ) from error
    return Path(path)


def _find(source: Source, data_dir: Path) -> list[Path]:
    if not data_dir.is_dir():
        raise FileNotFoundError(f"data_dir {data_dir} is not a folder")
    folders = [*(data_dir / folder for folder in source.folders), data_dir]
    # From one folder only: MNIST and Fashion-MNIST use the same file names.
    tried = [folder for folder in folders if _files_in(folder, source)][:1] or folders
    found = _files_in(tried[0], source)
    missing = [file for file in source.sha256 if file not in found]
    if missing:
        raise FileNotFoundError(
            f"{', '.join(missing)} not found in {' or '.join(map(str, tried))}"
        )
    return [found[file] for file in source.sha256]


def _files_in(folder: Path, source: Source) -> dict[str, Path]:
    return {
        file: path
        for file in source.sha256
        for path in (folder / file.removesuffix(".gz"), folder / file)
        if path.is_file()
    }
