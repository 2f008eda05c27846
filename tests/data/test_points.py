"""Points: the targets' laws, and a stream that can be resumed."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from genlib import make_generator, seed_everything
from genlib.data import PointStream, PointTarget, grid, ring, swiss_roll
from genlib.models.points import PointDiscriminator, PointGenerator
from genlib.training import ChangedSettingsError, Checkpoints, gan_players, newest, train

TARGETS = [ring(), grid(), swiss_roll()]


def test_the_published_centres() -> None:
    centres = ring().centres
    assert centres.shape == (8, 2)
    torch.testing.assert_close(centres.norm(dim=1), torch.ones(8))
    torch.testing.assert_close(centres[:3], torch.tensor([[1, 0], [0.5**0.5, 0.5**0.5], [0, 1]]))
    assert ring(5, radius=2.0).centres.norm(dim=1).allclose(torch.tensor(2.0))
    five = {-4.0, -2.0, 0.0, 2.0, 4.0}
    expected = {(a, b) for a in five for b in five}
    assert {tuple(c) for c in grid().centres.tolist()} == expected
    assert grid(2, spacing=3.0).centres.abs().eq(1.5).all()
    assert [ring().sigma, grid().sigma] == [0.01, 0.05]
    assert swiss_roll().centres.shape == (0, 2)


@pytest.mark.parametrize("target", [ring(), grid(), ring(3, 2.0, 0.1)], ids=lambda t: t.title)
def test_mixtures_have_equal_modes_of_the_right_width(target: PointTarget) -> None:
    n = 20_000
    points = target.sample(n, make_generator(0, "points"))
    assert points.shape == (n, 2)
    far, nearest = torch.cdist(points, target.centres, compute_mode="donot_use_mm_for_euclid_dist").min(1)  # fmt: skip  # noqa: E501
    counts = torch.bincount(nearest, minlength=len(target.centres)).numpy()
    assert stats.chisquare(counts).pvalue > 0.001
    # The distance from the own centre has a Rayleigh law.
    assert stats.kstest(far.numpy() / target.sigma, stats.rayleigh().cdf).pvalue > 0.001
    assert points.mean(dim=0).abs().max() < 5 * points.std() / math.sqrt(n)
    # Var = mean of centre² per coordinate + σ²
    expected = target.centres.square().mean(dim=0) + target.sigma**2
    torch.testing.assert_close(points.var(dim=0), expected, rtol=0.03, atol=0)


def test_the_swiss_roll_lies_on_its_spiral() -> None:
    exact = swiss_roll(sigma=0.0).sample(5000, make_generator(0, "points"))
    t = exact.norm(dim=1) * 7.5
    on = torch.stack([t * t.cos(), t * t.sin()], dim=1) / 7.5
    torch.testing.assert_close(exact, on, rtol=0, atol=1e-4)
    low, turns = 1.5 * math.pi, 3 * math.pi
    assert stats.kstest(t.numpy(), stats.uniform(low, turns).cdf).pvalue > 0.001
    noisy = swiss_roll().sample(5000, make_generator(0, "points"))
    assert (noisy - exact).std().item() == pytest.approx(1 / 30, rel=0.03)


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.title)
def test_a_sample_is_its_generators(target: PointTarget) -> None:
    draws = [target.sample(50, make_generator(seed, "points")) for seed in (0, 0, 1)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_mixtures_need_modes() -> None:
    with pytest.raises(ValueError, match="at least one mode"):
        ring(0)
    with pytest.raises(ValueError, match="negative σ"):
        grid(sigma=-1.0)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 20), st.integers(0, 2**31), st.integers(0, 5))
def test_a_loaded_state_gives_the_same_future(batch_size: int, seed: int, given_: int) -> None:
    stream = PointStream(ring(), batch_size, seed=seed)
    for _ in range(given_):
        next(stream)
    resumed = PointStream(ring(), batch_size, seed=seed)
    resumed.load_state_dict(stream.state_dict())
    for _ in range(3):
        a, b = next(stream), next(resumed)
        assert a.x.shape == (batch_size, 2)
        assert a.y is None
        assert torch.equal(a.x, b.x)
        assert torch.equal(a.index, b.index)


def test_points_are_numbered_and_never_come_twice() -> None:
    stream = PointStream(grid(), 10, seed=0)
    batches = [next(stream) for _ in range(4)]
    assert torch.cat([b.index for b in batches]).tolist() == list(range(40))
    assert len(torch.cat([b.x for b in batches]).unique(dim=0)) == 40


def test_processes_share_a_batch() -> None:
    whole = PointStream(ring(), 12, seed=0)
    parts = [PointStream(ring(), 12, seed=0, part=(rank, 3)) for rank in range(3)]
    for _ in range(3):
        batch, own = next(whole), [next(part) for part in parts]
        assert torch.equal(torch.cat([b.x for b in own]), batch.x)
        assert torch.equal(torch.cat([b.index for b in own]), batch.index)


def test_skipping_stands_at_the_batch_of_that_point() -> None:
    stream, other = PointStream(ring(), 10, seed=0), PointStream(ring(), 10, seed=0)
    for _ in range(3):
        next(stream)
    other.skip_to(35)
    assert torch.equal(next(stream).x, next(other).x)


def test_a_state_of_another_stream_is_refused() -> None:
    state = PointStream(ring(), 10, seed=0).state_dict()
    with pytest.raises(
        ValueError, match=r"data Ring of 8, .* \(here Grid of 25.*batch_size 10 \(h"
    ):
        PointStream(grid(), 20, seed=0).load_state_dict(state)
    with pytest.raises(ValueError, match=r"no state of a PointStream: it lacks \['given'\]"):
        PointStream(ring(), 10, seed=0).load_state_dict(
            {**PointStream(ring(), 10, seed=0).settings}
        )
    with pytest.raises(ValueError, match="batch_size is 10; use a positive multiple"):
        PointStream(ring(), 10, seed=0, part=(0, 3))


def sitting(folder: Path, steps: int, target: PointTarget, batch_size: int = 16, **plan) -> None:
    seed_everything(0)
    generator, discriminator = PointGenerator(2, (8,)), PointDiscriminator((8,), pieces=2)
    train(
        gan_players(generator, discriminator), PointStream(target, batch_size, seed=0), steps=steps,
        progress=False, checkpoints=Checkpoints(folder, every_seconds=None, **plan),
    )  # fmt: skip


def test_a_run_on_points_resumes_exactly(tmp_path: Path) -> None:
    sitting(tmp_path / "twice", 4, ring())
    sitting(tmp_path / "twice", 9, ring())
    sitting(tmp_path / "once", 9, ring())
    twice, once = newest(tmp_path / "twice")["players"], newest(tmp_path / "once")["players"]
    for name in ("discriminator", "generator"):
        for key, value in once[name]["model"].items():
            assert torch.equal(value, twice[name]["model"][key]), key


def test_a_run_on_other_points_is_another_run(tmp_path: Path, capsys) -> None:
    sitting(tmp_path, 4, ring())
    with pytest.raises(ChangedSettingsError, match=r"data: Ring of 8, .* then, Grid of 25.* now"):
        sitting(tmp_path, 9, grid())
    sitting(tmp_path, 9, ring(), batch_size=32, allow_changes=True)
    assert "batch_size: 16 then, 32 now" in capsys.readouterr().out
    assert newest(tmp_path)["stream"]["given"] == 4 * 16 // 32 + 5
