"""Where the files of the image data sets are: addresses, checksums, folders."""

from pathlib import Path
from typing import NamedTuple

import pooch


class Source(NamedTuple):
    """The files of a data set: their address, folder names and checksums."""

    url: str
    folders: tuple[str, ...]
    md5: dict[str, str]


SOURCES = {
    "mnist": Source(
        url="https://ossci-datasets.s3.amazonaws.com/mnist/",
        folders=("mnist",),
        md5={
            "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
            "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
            "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
        },
    ),
    "fashion-mnist": Source(
        url="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        folders=("fashion_mnist",),
        md5={
            "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
            "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
            "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
        },
    ),
    "omniglot": Source(
        url="https://raw.githubusercontent.com/brendenlake/omniglot/master/python/",
        folders=("omniglot_small", "omniglot"),
        md5={
            "images_background_small1.zip": "e704a628b5459e08445c13499850abc4",
            "images_background_small2.zip": "b75a71a51d3b13f821f212756fe481fd",
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
        return [_download(source, file) for file in source.md5]
    return _find(source, Path(data_dir).expanduser())


def _download(source: Source, file: str) -> Path:
    url = source.url + file
    cache = pooch.os_cache("pyro-igr") / source.folders[0]
    try:
        path = pooch.retrieve(
            url, f"md5:{source.md5[file]}", file, cache, progressbar=True
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
    missing = [file for file in source.md5 if file not in found]
    if missing:
        raise FileNotFoundError(
            f"{', '.join(missing)} not found in {' or '.join(map(str, tried))}"
        )
    return [found[file] for file in source.md5]


def _files_in(folder: Path, source: Source) -> dict[str, Path]:
    return {
        file: path
        for file in source.md5
        for path in (folder / file.removesuffix(".gz"), folder / file)
        if path.is_file()
    }
