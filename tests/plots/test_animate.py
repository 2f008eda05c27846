"""Animations: small, described, still for those who want no motion, and saved whole."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
import torch
from PIL import Image

from genlib import plots
from genlib.plots import animate


def frames(count=6, images=4, channels=1, size=8):
    noise = torch.rand(
        count, images, channels, size, size, generator=torch.Generator().manual_seed(0)
    )
    return noise


@pytest.fixture(scope="module")
def small():
    return plots.animation(frames(), alt='Noise "moves" & ends', ms=100)


def test_animation_is_a_webp_of_all_frames(small):
    with Image.open(io.BytesIO(small.webp)) as moving:
        assert moving.format == "WEBP"
        assert moving.n_frames == small.frames == 6
        assert moving.size == small.size
        durations = []
        for index in range(6):
            moving.seek(index)
            moving.load()
            durations.append(moving.info["duration"])
    assert durations == [100] * 5 + [500]
    assert small.nbytes == len(small.webp)


def test_small_images_are_enlarged_to_a_sensible_width(small):
    assert 360 <= small.size[0] <= 500


def test_html_has_alt_size_and_a_still_for_reduced_motion(small):
    page = small._repr_html_()
    assert 'alt="Noise &quot;moves&quot; &amp; ends"' in page
    assert f'width="{small.size[0]}"' in page
    assert re.search(r'<source media="\(prefers-reduced-motion: reduce\)" srcset="data:image', page)
    assert page.count("data:image/webp;base64,") == 2
    assert "http" not in page
    assert "<script" not in page


def test_still_is_the_last_frame(small):
    with Image.open(io.BytesIO(small.still)) as still, Image.open(io.BytesIO(small.webp)) as moving:
        assert still.n_frames == 1
        moving.seek(5)
        a, b = still.convert("L").resize((20, 20)), moving.convert("L").resize((20, 20))
    assert max(abs(p - q) for p, q in zip(a.tobytes(), b.tobytes(), strict=True)) < 25


def test_limit_is_kept_by_lowering_quality_then_frames():
    moving = frames(8, 9, size=28)
    free = plots.animation(moving, alt="noise")
    tight = plots.animation(moving, alt="noise", max_kb=120)
    assert tight.nbytes <= 120_000 < free.nbytes
    assert 2 <= tight.frames < free.frames
    with pytest.raises(ValueError, match=r"over the limit of 1 kB.*raise max_kb"):
        plots.animation(moving, alt="noise", max_kb=1)


def test_colour_and_columns():
    wide = plots.animation(frames(2, 6, channels=3), alt="noise", columns=6)
    assert wide.size[0] > 3 * wide.size[1]


@pytest.mark.parametrize("ending", ["gif", "webp"])
def test_save(small, tmp_path, ending):
    path = small.save(tmp_path / f"a.{ending}")
    with Image.open(path) as saved:
        assert saved.n_frames == 6
        assert saved.size == small.size
    assert [file.name for file in tmp_path.iterdir()] == [f"a.{ending}"]


def test_save_is_whole_or_not_at_all(small, tmp_path, monkeypatch):
    def fail(*args):
        raise OSError("disk full")

    (tmp_path / "a.webp").write_bytes(b"old")
    monkeypatch.setattr(animate.os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        small.save(tmp_path / "a.webp")
    assert [file.name for file in tmp_path.iterdir()] == ["a.webp"]
    assert (tmp_path / "a.webp").read_bytes() == b"old"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (dict(frames=frames(), alt=" "), "alt text"),
        (dict(frames=frames(), alt="a", ms=5), "20 ms"),
        (dict(frames=[], alt="a"), "at least one"),
        (dict(frames=[torch.zeros(1, 1, 4, 4), torch.zeros(2, 1, 4, 4)], alt="a"), "one shape"),
        (dict(frames=torch.zeros(3, 1, 4, 4), alt="a"), r"\[N, 1, H, W\]"),
    ],
)
def test_animation_refuses(arguments, words):
    with pytest.raises(ValueError, match=words):
        plots.animation(**arguments)


def test_refuses_other_formats(small, tmp_path):
    with pytest.raises(ValueError, match=r"\.webp or \.gif"):
        small.save(tmp_path / "a.mp4")


def test_figures_become_frames():
    figures = []
    for height in (1.0, 2.0):
        figure, (axis,) = plots.panels(height=2)
        axis.plot([0, 1], [0, height])
        figures.append(plots.figure_frame(figure, width=400))
    assert figures[0].shape == (1, 3, 125, 400)
    assert figures[0].dtype == np.uint8
    assert (figures[0] != figures[1]).any()
    assert plots.animation(figures, alt="A line that rises higher").size[0] >= 400
