"""What the explorers in the page start from: codes of garments and of faces.

    python -m experiments.page_codes

Nothing is trained. Chapters 1 and 3 show the codes of test garments under the two models with a
code of two numbers; chapter 3 also moves the codes of ten garments under models of different β;
chapter 6 adds attributes to drawn faces. Codes are kept to three decimals: the pictures cannot
tell.
"""

from __future__ import annotations

import base64
import sys
from dataclasses import dataclass

import torch
from torch import Tensor

from experiments.common import Row, run_experiment
from genlib import budget, latent, make_generator, zoo
from genlib.data import ImageSet, drawn_faces, fashion_mnist
from genlib.divergences.gaussian import kl_per_dimension
from genlib.metrics import active_units, per_image, read_attributes
from genlib.models.autoencoder import DenseAutoencoder
from genlib.models.classifier import AttributeClassifier
from genlib.models.vae import VAE
from genlib.models.vae_gan import VAEGAN

# What a slider adds: an attribute, and the values of it that count as having it.
CHANGES = {
    "glasses": ("glasses", ("round", "square")),
    "blond hair": ("hair_colour", ("blond",)),
    "curly hair": ("hair_style", ("curly",)),
    "a beanie": ("accessory", ("beanie",)),
    "mint background": ("background", ("mint",)),
    "a smile": ("mouth", ("smile",)),
}
MAPS = ("ae2-fashion-mnist", "vae2-fashion-mnist")
BETAS = {
    "vae10-beta025-fashion-mnist": 0.25,
    "vae10-fashion-mnist": 1.0,
    "vae10-beta4-fashion-mnist": 4.0,
    "vae10-beta16-fashion-mnist": 16.0,
}


@dataclass(frozen=True)
class Settings:
    """Everything that was chosen. Images are the first of their sets."""

    dots: int = budget(smoke=60, cpu=1_500, gpu=1_500)
    test_images: int = budget(smoke=100, cpu=10_000, gpu=10_000)
    faces: int = 12
    labelled_faces: int = budget(smoke=100, cpu=4_000, gpu=4_000)
    test_faces: int = budget(smoke=60, cpu=1_000, gpu=1_000)
    seed: int = 0


SETTINGS = Settings()
BANDS = {
    "maps/ae2-fashion-mnist/holes": (0.08, 0.30),
    "maps/vae2-fashion-mnist/holes": (0.04, 0.20),
    "garments/vae10-beta025-fashion-mnist/rate": (15, 30),
    "garments/vae10-fashion-mnist/rate": (10, 20),
    "garments/vae10-beta4-fashion-mnist/rate": (5, 12),
    "garments/vae10-beta16-fashion-mnist/rate": (1, 7),
    "faces/glasses/added": (0.6, 1.0),
    "faces/a smile/added": (0.0, 0.5),  # the code does not hold the mouth
}


def cells(settings: Settings) -> list[Row]:
    garments = [{"part": "garments", "model": model} for model in BETAS]
    maps = [{"part": "maps", "model": model} for model in MAPS]
    faces = [{"part": "faces", "model": "vae-gan-faces"}]
    return [*maps, *garments, *faces]


def run(settings: Settings, *, part: str, model: str) -> Row:
    network = zoo.load(model)
    if part == "faces":
        assert isinstance(network, VAEGAN)
        return faces(settings, network)
    test = fashion_mnist("test")
    if part == "maps":
        assert isinstance(network, DenseAutoencoder | VAE)
        return dots(settings, network, test)
    assert isinstance(network, VAE)
    return garments(settings, network, test)


def dots(settings: Settings, model: DenseAutoencoder | VAE, test: ImageSet) -> Row:
    """Codes of the first test garments; how near the other garments are to them; and the holes.

    `edge` is the distance to the nearest of these codes that one in a hundred of the other test
    garments exceeds. A place further away than that lies in a hole.
    """
    with torch.no_grad():
        made = model.encode(test.pixels(torch.arange(min(settings.test_images, len(test)))))
    codes = made if isinstance(made, Tensor) else made[0]  # [N, 2]
    kept, others = rounded(codes[: settings.dots]), codes[settings.dots :]
    edge = float(torch.cdist(others, kept).amin(dim=1).quantile(0.99))
    z = torch.randn(20_000, 2, generator=make_generator(settings.seed, "page codes", "draws"))
    if isinstance(model, DenseAutoencoder):  # it has no prior: the best normal that fits
        z = codes.mean(dim=0) + z @ torch.linalg.cholesky(codes.T.cov()).T
    assert test.labels is not None
    x, y = numbers(kept.T)
    return {
        "labels": test.labels[: settings.dots].tolist(),
        "classes": list(test.classes),
        "x": x,
        "y": y,
        "edge": edge,
        "holes": float((torch.cdist(z, kept).amin(dim=1) > edge).double().mean()),
    }


def garments(settings: Settings, model: VAE, test: ImageSet) -> Row:
    """Ten garments, one of each class: their images and codes; and what each dimension is for."""
    assert test.labels is not None
    first = torch.stack([(test.labels == k).nonzero()[0, 0] for k in range(10)])  # [10]
    images = test.images[first]  # uint8 [10, 1, 28, 28]
    shown = test.pixels(torch.arange(min(settings.test_images, len(test))))
    with torch.no_grad():
        mu, log_var = model.encode(shown)  # [N, K] each
        codes, _ = model.encode(test.pixels(first))
        kl = kl_per_dimension(mu, log_var).mean(0)  # [N, K] -> [K]
    return {
        "classes": list(test.classes),
        "images": base64.b64encode(images.numpy().tobytes()).decode(),
        "codes": numbers(rounded(codes)),
        "kl": kl.tolist(),
        "rate": float(kl.sum()),
        "active": active_units(mu).int().tolist(),
    }


def faces(settings: Settings, model: VAEGAN) -> Row:
    """Codes of drawn faces, a direction for each change, and in what share of cases it works."""
    labelled = drawn_faces(settings.labelled_faces)
    test = drawn_faces(settings.test_faces, split="test")
    reader = zoo.load("classifier-faces")
    assert isinstance(reader, AttributeClassifier)
    known, codes = (per_image(data, lambda x: model.encode(x)[0]) for data in (labelled, test))

    def read(z: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            parts = [model.sample(part) for part in z.split(250)]
        return read_attributes(reader, torch.cat(parts))

    # By label and not by looks: the first ones that glasses can be added to.
    bare = test.attributes["glasses"] == test.attribute_values["glasses"].index("none")
    chosen = bare.nonzero()[: settings.faces, 0]
    found: Row = {"chosen": chosen.tolist(), "codes": numbers(rounded(codes[chosen]))}
    for name, (attribute, values) in CHANGES.items():
        wanted = [test.attribute_values[attribute].index(value) for value in values]
        counts = torch.tensor(wanted)
        has = torch.isin(labelled.attributes[attribute], counts)
        direction = rounded(latent.class_direction(known, has))  # [K]
        generator = make_generator(settings.seed, "page codes", name)
        aimless = rounded(latent.random_direction(direction, generator))
        lacking = codes[~torch.isin(test.attributes[attribute], counts)]  # [n, K]
        before = read(lacking)
        one, other = (
            latent.attribute_change(before, read(lacking + d), attribute, wanted)
            for d in (direction, aimless)
        )
        found[name] = {
            "direction": numbers(direction),
            "random": numbers(aimless),
            "n": one.n,
            "before": one.before,
            "added": one.after,
            "by_random": other.after,
            "kept": one.kept,
        }
    return found


def summarise(settings: Settings, rows: list[Row]) -> Row:
    kept = {"maps": ("x", "y", "edge", "holes"), "garments": ("codes", "kl", "rate", "active")}
    figures: Row = {"maps": {}, "garments": {}, "faces": {}}
    for row in rows:
        part = figures[row["part"]]
        if row["part"] == "faces":
            part |= {name: row[name] for name in ("chosen", "codes", *CHANGES)}
            continue
        part[row["model"]] = {key: row[key] for key in kept[row["part"]]}
        # The same for every model.
        shared = ("labels", "classes") if row["part"] == "maps" else ("classes", "images")
        part |= {key: row[key] for key in shared}
    for model, beta in BETAS.items():
        figures["garments"][model]["beta"] = beta
    return figures


def rounded(values: Tensor) -> Tensor:
    """To three decimals: what the page gets is what was measured."""
    return values.double().mul(1000).round().div(1000).float()


def numbers(values: Tensor) -> list:  # type: ignore[type-arg]
    """As nested lists whose floats print with three decimals."""
    if values.dim() > 1:
        return [numbers(row) for row in values]
    return [round(value, 3) for value in values.tolist()]


if __name__ == "__main__":
    run_experiment(sys.modules[__name__], "page_codes")
