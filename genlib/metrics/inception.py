"""The Fréchet distance that papers call FID: in the features of their Inception network."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from genlib.data.images import ImageSet
from genlib.metrics.feature_vectors import Moments, in_unit_range, moments
from genlib.metrics.frechet import frechet_distance
from genlib.torchvision_compat import import_torchvision

FILE = "weights-inception-2015-12-05-6726825d.pth"
SOURCE = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{FILE}"


def inception_fid(
    real: Tensor | ImageSet | Moments,
    fake: Tensor | ImageSet | Moments,
    network: nn.Module | None = None,
    batch_size: int = 50,
) -> float:
    """The "FID" of the literature (Heusel et al. 2017), with torch-fidelity's Inception network.

    `frechet_distance` of 2,048 features: the formula is that of this course's distances, and only
    the network makes it the number that papers give. To compare with theirs, take as many images
    (mostly 50,000; with fewer than some thousands the bias exceeds the distance), the same real
    ones, and resize neither. Two programs that resize differently give different figures.

    The network learned from photographs of a thousand kinds of things. What it sees in digits and
    garments says little; the figure is here to stand beside others' figures.

    >>> network = inception_network().to("cuda")
    >>> known = inception_moments(network, train)  # the slow part, once for all models
    >>> inception_fid(known, pictures, network)

    Args:
        real: N images, or `[N, C, H, W]` in [0, 1], with one channel or three, of any size; or
            their `inception_moments`.
        fake: generated ones, likewise.
        network: from `inception_network`, which is called if it is not given.
        batch_size: images at a time; memory grows with it, not with N.

    Raises:
        ModuleNotFoundError: torch-fidelity is not installed; the message names the command.
        ConnectionError: the network's weights are not at hand and cannot be downloaded.
        ValueError: the images are not what they should be, or fewer than two.
    """
    a, b = (
        part
        if isinstance(part, Moments)
        else inception_moments(network := network or inception_network(), part, batch_size)
        for part in (real, fake)
    )
    return frechet_distance(a, b)


@torch.no_grad()
def inception_moments(
    network: nn.Module, images: Tensor | ImageSet, batch_size: int = 50
) -> Moments:
    """Mean and covariance of what the network sees in N images, for `inception_fid`.

    Pixels are rounded to whole numbers of 0 to 255, as in a picture file; a grey image is given to
    all three colours.

    Args:
        network: from `inception_network`; any other that takes uint8 `[B, 3, H, W]`, and returns
            `[B, D]` or a tuple that begins with it.
        images: N images, or `[N, C, H, W]` in [0, 1], with one channel or three.
        batch_size: images at a time; memory grows with it, not with N.

    Raises:
        ValueError: the images are not in [0, 1], have another number of channels, or there are
            fewer than two.
    """
    return moments(_features(network, images, batch_size))


def inception_network(weights: str | Path | None = None) -> nn.Module:
    """torch-fidelity's Inception network up to its 2,048 last features, on the CPU.

    The weights are those of the original FID code, converted (Obukhov et al. 2020). It takes uint8
    `[B, 3, H, W]` and resizes to 299×299 itself, as that code does.

    Args:
        weights: their file. Without it the one in `torch.hub`'s folder is taken, and downloaded
            there, 91 MB, unless `GENLIB_OFFLINE` is set.

    Raises:
        ModuleNotFoundError: torch-fidelity is not installed; the message names the command.
        ConnectionError: there is no such file yet and it cannot be downloaded; the message says
            where to get it and where to put it.
        ValueError: the file does not hold these weights.
    """
    extractor = _extractor()
    kept = Path(torch.hub.get_dir()) / "checkpoints" / FILE
    path = Path(weights) if weights is not None else kept if kept.is_file() else None
    if path is None:
        path = _downloaded(kept)
    if not path.is_file():
        raise ValueError(f"weights: there is no file {path}. Get {SOURCE}, or leave `weights` out.")
    try:
        torch.load(path, map_location="cpu", weights_only=True)  # nothing but tensors is let in
        network: nn.Module = extractor("inception-v3-compat", ["2048"], str(path))
    except (RuntimeError, EOFError, KeyError, pickle.UnpicklingError) as error:
        raise ValueError(
            f"{path} does not hold the Inception network's weights ({type(error).__name__}). A "
            f"download may have broken off: delete the file and get {SOURCE} again."
        ) from error
    return network.eval()


def _extractor() -> type[nn.Module]:
    import_torchvision()  # torch-fidelity imports it, also where its build does not match torch's
    try:
        from torch_fidelity import FeatureExtractorInceptionV3
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"The Inception FID needs {error.name}, which is not installed: pip install "
            "torch-fidelity. genlib.metrics.frechet_distance of a course classifier's features "
            "needs nothing more, but does not compare with the literature."
        ) from error
    return FeatureExtractorInceptionV3


def _downloaded(path: Path) -> Path:
    reason: str | Exception = "GENLIB_OFFLINE is set"
    if os.environ.get("GENLIB_OFFLINE", "0") in ("", "0"):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(SOURCE, str(path), progress=False)
            return path
        except OSError as error:  # of urllib: no network, no such host, refused, broken off
            reason = error
    raise ConnectionError(
        f"the Inception network's weights cannot be downloaded ({reason}). Get {SOURCE} where "
        f"there is a network, and put it at {path}, or name its place with `weights`."
    )


def _features(network: nn.Module, images: Tensor | ImageSet, batch_size: int) -> Iterator[Tensor]:
    """`[B, D]` after `[B, D]`."""
    weight = next(network.parameters(), None)
    for part in (images.images if isinstance(images, ImageSet) else images).split(batch_size):
        if not isinstance(images, ImageSet):
            part = (in_unit_range(part) * 255).round().clamp(0, 255).to(torch.uint8)
        if part.shape[1] not in (1, 3):
            raise ValueError(
                f"the Inception network sees one channel or three, got {list(part.shape)}; turn "
                "other colour spaces into RGB first."
            )
        part = part.expand(-1, 3, -1, -1)  # grey [B, 1, H, W] -> [B, 3, H, W]
        found = network(part if weight is None else part.to(weight.device))
        yield found[0] if isinstance(found, tuple) else found
