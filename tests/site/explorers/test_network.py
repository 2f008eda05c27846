"""`network.js` in a browser against PyTorch: the same images, and fast enough to draw with."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
import torch
from playwright.sync_api import Page
from torch import Tensor, nn

from genlib import seed_everything, zoo
from genlib.export import Painter
from genlib.models.gan import ConvGenerator
from genlib.page_export import page_network
from tests.site.explorers.harness import SCRIPTS, reader

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TOLERANCE = 1e-3
REFERENCES = {
    "ae2-fashion-mnist": "decode",
    "vae2-fashion-mnist": "sample",
    "vae10-fashion-mnist": "sample",
    "vae10-beta025-fashion-mnist": "sample",
    "vae10-beta4-fashion-mnist": "sample",
    "vae10-beta16-fashion-mnist": "sample",
    "vae-gan-faces": "sample",
    "gan-faces": "forward",
    "vae-fashion-mnist": "sample",
}
# Without the loader: only what network.js needs of it.
PAGE = """<!doctype html><meta charset="utf-8">
<script>
  window.genlib = { given: {}, receive: (name, value) => { genlib.given[name] = value; } };
</script>
<script src="network.js"></script>
"""
# Images travel as the bytes of their numbers: a million numbers as text would take seconds.
RUN = """([name, codes]) => {
  const net = genlib.network(genlib.given[name]);
  const images = [], times = [];
  for (const z of codes) {
    const began = performance.now();
    const values = net.run(z);
    times.push(performance.now() - began);
    images.push(Array.from(new Uint8Array(values.buffer), v => String.fromCharCode(v)).join(""));
  }
  return { images: btoa(images.join("")), times, input: net.input, output: net.output };
}"""


def written(folder: Path, networks: dict[str, bytes]) -> Path:
    """A page that has received these networks."""
    for name in ("network.js", "network.css"):
        (folder / name).write_bytes((SCRIPTS / name).read_bytes())
    text = PAGE
    for number, script in enumerate(networks.values()):
        (folder / f"{number}.js").write_bytes(script)
        text += f'<script src="{number}.js"></script>\n'
    path = folder / "index.html"
    path.write_text(text, encoding="utf-8")
    return path


def both(page: Page, name: str, model: nn.Module, z: Tensor) -> tuple[Tensor, Tensor, list[float]]:
    """The images by the page and by PyTorch, and the page's milliseconds for each."""
    with torch.no_grad():
        expected = model(z)
    found = page.evaluate(RUN, [name, z.tolist()])
    assert found["input"] == z.shape[1]
    assert found["output"] == list(expected.shape[1:])
    return numbers_of(found["images"]).view_as(expected), expected, found["times"]


def numbers_of(text: str) -> Tensor:
    return torch.tensor(np.frombuffer(base64.b64decode(text), "<f4"))


def test_reference_models_draw_the_same_in_time(browser_path: str, tmp_path: Path) -> None:
    scripts = {name: page_network(zoo.load(name), name) for name in REFERENCES}
    seed_everything(0)
    with reader(browser_path) as page:
        page.goto(written(tmp_path, scripts).as_uri())
        for name, method in REFERENCES.items():
            model = Painter(zoo.load(name), method)
            latent = page.evaluate("name => genlib.given[name].input", name)
            z = torch.cat([2 * torch.randn(40, latent), torch.zeros(1, latent)])
            found, expected, times = both(page, name, model, z)
            assert expected.std() > 0.05, name
            error = float((found - expected).abs().max())
            assert error <= TOLERANCE, f"{name}: {error:.1e}"
            assert sorted(times)[len(times) // 2] <= 50, f"{name}: {times} ms"


def test_every_kind_of_layer(browser_path: str, tmp_path: Path) -> None:
    seed_everything(1)
    models = {
        "layers": nn.Sequential(
            nn.Linear(3, 3 * 7 * 5), nn.Tanh(), nn.Unflatten(1, (3, 7, 5)),
            nn.Conv2d(3, 6, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(6),
            nn.LeakyReLU(0.3),
            nn.ConvTranspose2d(6, 5, 3, stride=2, padding=1, output_padding=1), nn.ReLU(),
            nn.ConvTranspose2d(5, 3, 5, stride=3), nn.Sigmoid(),
        ),
        "norm after": ConvGenerator(6, 3, (3, 32, 32), place="after"),
    }  # fmt: skip
    for model in models.values():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.running_mean, -1, 1)  # type: ignore[arg-type]
                nn.init.uniform_(module.running_var, 0.5, 2)  # type: ignore[arg-type]
        model.eval()
    scripts = {name: page_network(model, name) for name, model in models.items()}
    with reader(browser_path) as page:
        page.goto(written(tmp_path, scripts).as_uri())
        for name, model in models.items():
            latent = page.evaluate("name => genlib.given[name].input", name)
            found, expected, _ = both(page, name, model, 3 * torch.randn(10, latent))
            assert expected.std() > 0.01, name
            torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_numbers_of_sixteen_bits(browser_path: str, tmp_path: Path) -> None:
    """All that there are of finite ones, also the smallest and both zeros."""
    bits = torch.arange(65_536, dtype=torch.int32).to(torch.int16)
    numbers = bits.view(torch.float16).float()
    numbers = numbers[numbers.isfinite()]
    layer = nn.Linear(1, len(numbers))
    with torch.no_grad():
        layer.weight.copy_(numbers[:, None])
        layer.bias.zero_()
    script = page_network(nn.Sequential(layer), "numbers")
    with reader(browser_path) as page:
        page.goto(written(tmp_path, {"numbers": script}).as_uri())
        found = page.evaluate(RUN, ["numbers", [[1.0]]])
    assert torch.equal(numbers_of(found["images"]), numbers)


def test_mistakes_are_named(browser_path: str, tmp_path: Path) -> None:
    script = page_network(nn.Sequential(nn.Linear(2, 4)), "two")
    said = """work => { try { work(); return ""; } catch (error) { return error.message; } }"""
    with reader(browser_path) as page:
        page.goto(written(tmp_path, {"two": script}).as_uri())
        attempt = f"({said})(() => genlib.network(genlib.given.two).run([1, 2, 3]))"
        assert page.evaluate(attempt) == "a code has 2 numbers here, not 3"
        page.evaluate("genlib.given.two.layers[0].kind = 'fourier'")
        attempt = f"({said})(() => genlib.network(genlib.given.two))"
        assert "unknown kind “fourier”" in page.evaluate(attempt)
