"""The Inception FID: the same as from torch-fidelity's own network, and clear about what it lacks.

No test downloads the weights. Torch-fidelity's network is tried with random ones.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from genlib.data import ImageSet
from genlib.metrics import (
    features,
    frechet_distance,
    inception,
    inception_fid,
    inception_moments,
    inception_network,
)


class StandIn(nn.Module):
    """Three features of whole pixels, and it looks at what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1 / 255))
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        assert x.dtype == torch.uint8
        assert x.shape[1] == 3
        self.seen.append(x)
        x = self.scale * x
        return torch.stack([x.mean((1, 2, 3)), x[:, 0].std((1, 2)), x[:, 2].amax((1, 2))], dim=1)


class Same(StandIn):
    """The same as a classifier has it: floats in [0, 1] and a method `features`."""

    def features(self, x: Tensor) -> Tensor:
        return self((x * 255).round().to(torch.uint8))


def pictures(n: int, channels: int = 3, seed: int = 0) -> Tensor:
    return torch.rand(n, channels, 9, 7, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("batch_size", [1, 7, 50])
def test_it_is_the_frechet_distance_of_the_networks_features(batch_size: int) -> None:
    real, fake = pictures(30), pictures(40, seed=1) ** 2
    expected = frechet_distance(features(Same(), real), features(Same(), fake))
    assert inception_fid(real, fake, StandIn(), batch_size) == pytest.approx(expected)
    assert expected > 0.01


def test_known_moments_need_no_second_look() -> None:
    network = StandIn()
    known = inception_moments(network, pictures(30))
    seen = len(network.seen)
    figure = inception_fid(known, pictures(20, seed=1), network)
    assert len(network.seen) == seen + 1
    assert figure == pytest.approx(inception_fid(pictures(30), pictures(20, seed=1), network))
    assert inception_fid(known, known) == pytest.approx(0, abs=1e-9)  # and no network


def test_grey_goes_to_all_colours_and_pixels_are_rounded_as_in_a_file() -> None:
    network = StandIn()
    grey = torch.tensor([0.0, 0.499, 0.501, 1.0])[:, None, None, None].expand(-1, 1, 2, 2) / 255
    inception_moments(network, torch.cat([grey, 254 / 255 + grey]))
    seen = torch.cat(network.seen)
    assert seen[:, :, 0, 0].tolist() == [[v] * 3 for v in (0, 0, 1, 1, 254, 254, 255, 255)]


def test_an_image_set_is_taken_as_it_is() -> None:
    whole = torch.randint(0, 256, (12, 1, 6, 6), generator=torch.Generator().manual_seed(0))
    data = ImageSet("noise", "noise", "test", whole.to(torch.uint8))
    network = StandIn()
    assert inception_moments(network, data).mu.equal(inception_moments(network, data.pixels()).mu)
    assert network.seen[0].equal(network.seen[1])
    assert network.seen[0].equal(data.images.expand(-1, 3, -1, -1))


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (2 * pictures(5), r"must be in \[0, 1\]"),
        (pictures(5, channels=4), "one channel or three"),
        (pictures(5).flatten(1), r"must be \[N, C, H, W\]"),
        (pictures(1), "at least two"),
    ],
)
def test_bad_images_are_refused(images: Tensor, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        inception_moments(StandIn(), images)


def test_without_the_package_the_error_names_the_command(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "torch_fidelity", None)
    with pytest.raises(ModuleNotFoundError, match="pip install torch-fidelity"):
        inception_fid(pictures(5), pictures(5))


class Extractor(nn.Module):
    """Stands in for torch-fidelity's class: reads a file of weights in the same way."""

    def __init__(self, name: str, layers: list[str], path: str) -> None:
        super().__init__()
        assert layers == ["2048"]
        self.weight = nn.Parameter(torch.zeros(3))
        self.load_state_dict(torch.load(path, weights_only=False))


@pytest.fixture
def hub(monkeypatch, tmp_path: Path) -> Path:
    """An empty folder for `torch.hub`, and no need of the package; the place of the weights."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(inception, "_extractor", lambda: Extractor)
    return tmp_path / "hub" / "checkpoints" / inception.FILE


def test_without_weights_the_error_says_where_to_get_and_to_put_them(
    hub: Path, monkeypatch
) -> None:
    monkeypatch.setenv("GENLIB_OFFLINE", "1")
    with pytest.raises(ConnectionError) as offline:
        inception_network()
    monkeypatch.setenv("GENLIB_OFFLINE", "0")

    def unreachable(url: str, *_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    with pytest.raises(ConnectionError) as failed:
        inception_network()
    for error, reason in ((offline, "GENLIB_OFFLINE is set"), (failed, "no route to host")):
        for words in (reason, inception.SOURCE, str(hub), "`weights`"):
            assert words in str(error.value)
    hub.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"weight": torch.ones(3)}, hub)  # put there by hand, as it says
    assert inception_network().weight.tolist() == [1, 1, 1]


def test_what_is_downloaded_is_used(hub: Path, monkeypatch) -> None:
    monkeypatch.setenv("GENLIB_OFFLINE", "0")
    asked = []

    def download(url: str, path: str, **_: object) -> None:
        asked.append(url)
        torch.save({"weight": torch.full((3,), 2.0)}, path)

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    for _ in range(2):
        network = inception_network()
        assert network.weight.tolist() == [2, 2, 2]
        assert not network.training
    assert asked == [inception.SOURCE]  # once


def test_a_file_of_ones_own(hub: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.pth"
    with pytest.raises(ValueError, match=r"no file .*mine\.pth"):
        inception_network(file)
    torch.save({"weight": torch.full((3,), 3.0)}, file)
    assert inception_network(file).weight.tolist() == [3, 3, 3]


class Evil:
    def __reduce__(self):
        return (print, ("code of a stranger runs",))


@pytest.mark.parametrize("content", ["page", "half", "other", "code"])
def test_what_holds_no_weights_is_refused(content: str, hub: Path, tmp_path: Path, capsys) -> None:
    file = tmp_path / "mine.pth"
    torch.save({"weight": torch.ones(3)}, file)
    if content == "page":
        file.write_text("<html>404</html>")
    elif content == "half":
        file.write_bytes(file.read_bytes()[:300])
    elif content == "other":
        torch.save({"another": torch.ones(3)}, file)
    else:
        torch.save({"weight": torch.ones(3), "more": Evil()}, file)
    with pytest.raises(ValueError, match="does not hold the Inception network's weights"):
        inception_network(file)
    assert "stranger" not in capsys.readouterr().out


class Whole(Dataset[Tensor]):
    """Images as torch-fidelity wants them."""

    def __init__(self, images: Tensor) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> Tensor:
        return self.images[i]


def test_moments_are_those_of_torch_fidelitys_own_pipeline(tmp_path: Path, monkeypatch) -> None:
    """Its network with random weights, fed by its own code and by ours."""
    try:
        extractor = inception._extractor()
    except ModuleNotFoundError:
        pytest.skip("the optional torch-fidelity is not installed")
    from torch_fidelity.utils import get_featuresdict_from_dataset

    loading = extractor.load_state_dict
    monkeypatch.setattr(extractor, "load_state_dict", lambda *_: None)
    torch.save({}, tmp_path / "none.pth")
    network = extractor("random", ["2048"], str(tmp_path / "none.pth"))
    generator = torch.Generator().manual_seed(0)
    for weight in network.parameters():
        if weight.dim() == 4:  # so that the signal neither dies nor explodes
            fan_in = weight[0].numel()
            weight.copy_(torch.randn(weight.shape, generator=generator) * (2 / fan_in) ** 0.5)
    torch.save(network.state_dict(), tmp_path / "random.pth")
    monkeypatch.setattr(extractor, "load_state_dict", loading)

    images = pictures(3)
    whole = (images * 255).round().to(torch.uint8)
    theirs = get_featuresdict_from_dataset(Whole(whole), network, 2, False, True, False)
    theirs = theirs["2048"].double()
    ours = inception_moments(inception_network(tmp_path / "random.pth"), images, batch_size=2)
    assert ours.mu.shape == (2048,)
    torch.testing.assert_close(ours.mu, theirs.mean(dim=0))
    torch.testing.assert_close(ours.cov, theirs.T.cov())
    assert float(theirs.var(dim=0).max()) > 1e-6
