"""What the face arithmetic of chapter 6 loads: twelve drawn faces, directions, and a decoder."""

from __future__ import annotations

import base64
import io

from PIL import Image
from torch import Tensor

from genlib.explore.face_attributes import MODEL, changes, draw, faces
from tools.explorers._data import network_file, value_file
from tools.explorers._still import webp


def files() -> dict[str, bytes]:
    """Faces and directions, the network, and the still."""
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
            "added": change.added,
            "byRandom": change.by_random,
            "n": change.n,
        }
        for name, change in changes().items()
    ]
    data = {"faces": listed, "changes": directions}
    return {
        "data/face-attributes-codes.js": value_file("face-attributes-codes", data),
        f"data/{MODEL}.js": network_file(MODEL),
        "still/face-attributes.webp": webp(draw()),
    }


def data_url(image: Tensor) -> str:
    """uint8 `[3, H, W]` as an address that holds the image itself, with every pixel as it is."""
    buffer = io.BytesIO()
    Image.fromarray(image.permute(1, 2, 0).numpy()).save(buffer, "WEBP", lossless=True, method=6)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def rounded(values: Tensor) -> list[float]:
    """As in the result that they came from, where float32 has added digits."""
    return [round(value, 3) for value in values.tolist()]
