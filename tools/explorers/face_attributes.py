"""What the face arithmetic of chapter 6 loads: twelve drawn faces, directions, and two networks.

One draws faces, the other reads attributes off them.
"""

from __future__ import annotations

import base64
import io

import torch
from PIL import Image
from torch import Tensor, nn

from genlib import zoo
from genlib.data import drawn_faces
from genlib.explore.face_attributes import MODEL, READ, changes, draw, faces
from genlib.models.classifier import AttributeClassifier
from genlib.page_export import page_network
from tools.explorers._data import network_file, value_file
from tools.explorers._still import webp

READER = "classifier-faces"


def files() -> dict[str, bytes]:
    """Faces and directions, the decoder, the classifier that reads, and the still."""
    known = faces()
    listed = [
        {"words": words, "image": data_url(image), "code": rounded(code)}
        for words, image, code in zip(known.words, known.images, known.codes, strict=True)
    ]
    directions = [
        {
            "name": name,
            "direction": rounded(change.direction),
            "random": rounded(change.random),
            "before": change.before,
            "added": change.added,
            "byRandom": change.by_random,
            "n": change.n,
            "attribute": READ[name][0],
            "values": list(READ[name][1]),
        }
        for name, change in changes().items()
    ]
    values = drawn_faces(1, split="test").attribute_values
    classifier = zoo.load(READER)
    assert isinstance(classifier, AttributeClassifier)
    heads = [{"attribute": name, "values": list(values[name])} for name in classifier.heads]
    data = {"faces": listed, "changes": directions, "heads": heads}
    return {
        f"data/{READER}.js": page_network(reader(classifier), READER, zoo.card(READER)),
        "data/face-attributes-codes.js": value_file("face-attributes-codes", data),
        f"data/{MODEL}.js": network_file(MODEL),
        "still/face-attributes.webp": webp(draw()),
    }


def reader(classifier: AttributeClassifier, side: int = 64) -> nn.Sequential:
    """The classifier in one row: pixels `[B, 3 · side²]` to the logits of all heads `[B, L]`."""
    heads = [head for head in classifier.heads.values() if isinstance(head, nn.Linear)]
    together = nn.Linear(heads[0].in_features, sum(head.out_features for head in heads))
    together.weight = nn.Parameter(torch.cat([head.weight for head in heads]))
    together.bias = nn.Parameter(torch.cat([head.bias for head in heads]))
    return nn.Sequential(nn.Unflatten(1, (3, side, side)), classifier.body, together).eval()


def data_url(image: Tensor) -> str:
    """uint8 `[3, H, W]` as an address that holds the image itself, with every pixel as it is."""
    buffer = io.BytesIO()
    Image.fromarray(image.permute(1, 2, 0).numpy()).save(buffer, "WEBP", lossless=True, method=6)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def rounded(values: Tensor) -> list[float]:
    """As in the result that they came from, where float32 has added digits."""
    return [round(value, 3) for value in values.tolist()]
