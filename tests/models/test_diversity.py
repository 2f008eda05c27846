"""Minibatch discrimination against a loop, packs against packs made by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from genlib import make_generator, seed_everything
from genlib.models.diversity import MinibatchDiscrimination, Packed
from genlib.models.gan import ConvDiscriminator, DenseDiscriminator
from genlib.models.points import PointDiscriminator


def features(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=make_generator(0, "features"), dtype=dtype)


def layer(inputs: int = 4, kernels: int = 3, dim: int = 2) -> MinibatchDiscrimination:
    seed_everything(0)
    return MinibatchDiscrimination(inputs, kernels, dim).double()


def test_it_is_the_papers_sum() -> None:
    compare, f = layer(), features(5, 4)
    T = compare.compare.weight.T.reshape(4, 3, 2)
    M = torch.einsum("ia,abc->ibc", f, T)
    expected = torch.zeros(5, 3, dtype=torch.float64)
    for i in range(5):
        for j in range(5):
            for b in range(3):
                if i != j:
                    expected[i, b] += torch.exp(-(M[i, b] - M[j, b]).abs().sum())
    out = compare(f)
    assert torch.equal(out[:, :4], f)
    torch.testing.assert_close(out[:, 4:], expected)


def test_copies_are_as_near_as_can_be_and_strangers_far() -> None:
    compare = layer()
    copies = compare(features(1, 4).expand(6, 4))[:, 4:]
    torch.testing.assert_close(copies, torch.full_like(copies, 5.0))
    assert compare(1e4 * features(6, 4))[:, 4:].max() < 1e-9
    assert compare(features(1, 4))[:, 4:].abs().max() == 0  # alone


def test_the_order_of_the_batch_does_not_matter() -> None:
    compare, f, order = layer(), features(5, 4), torch.tensor([3, 0, 4, 1, 2])
    torch.testing.assert_close(compare(f[order]), compare(f)[order])


def test_gradients() -> None:
    assert torch.autograd.gradcheck(layer(), features(4, 4).requires_grad_())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_short_formats_are_compared_in_single_precision(dtype: torch.dtype) -> None:
    compare, f = layer().float(), features(5, 4, dtype=torch.float32)
    with torch.autocast("cpu", dtype=dtype):
        torch.testing.assert_close(compare(f), compare(f.double().float()), rtol=0.05, atol=0.05)


MAKE = [
    lambda kernels: DenseDiscriminator((16,), kernels=kernels),
    lambda kernels: DenseDiscriminator((), kernels=kernels),
    lambda kernels: ConvDiscriminator(4, kernels=kernels),
]


@pytest.mark.parametrize("make", MAKE)
def test_discriminators_take_it_by_a_setting(make) -> None:
    seed_everything(0)
    x = torch.rand(4, 1, 28, 28)
    others = torch.cat([x[:1], 1 - x[1:]])
    for kernels in (0, 6):
        model = make(kernels)
        found = [m for m in model.modules() if isinstance(m, MinibatchDiscrimination)]
        assert [m.shape for m in found] == ([(6, 5)] if kernels else [])
        assert model(x).shape == (4,)
        alone = torch.allclose(model(x)[0], model(others)[0], atol=1e-6)
        assert alone == (kernels == 0)
        model(x).sum().backward()
        assert all(p.grad is not None for p in model.parameters())


def test_packs_are_neighbours_side_by_side() -> None:
    seed_everything(0)
    inner = PointDiscriminator((8,), dims=6)
    x = features(12, 2, dtype=torch.float32)
    by_hand = torch.stack([inner(torch.cat(list(x[i : i + 3]))[None])[0] for i in (0, 3, 6, 9)])
    torch.testing.assert_close(Packed(inner, 3)(x), by_hand)
    whole = ConvDiscriminator(4, (2, 28, 28))
    images = torch.rand(4, 1, 28, 28)
    by_hand = whole(torch.stack([images[0::2, 0], images[1::2, 0]], dim=1))
    torch.testing.assert_close(Packed(whole, 2)(images), by_hand)


def test_a_pack_of_one_is_no_pack() -> None:
    inner = PointDiscriminator((8,))
    x = torch.rand(5, 2)
    assert torch.equal(Packed(inner, 1)(x), inner(x))


def test_packs_must_fit() -> None:
    with pytest.raises(ValueError, match=r"batch of 7 samples does not fill packs of 2.*multiple"):
        Packed(nn.Identity(), 2)(torch.zeros(7, 2))
    with pytest.raises(ValueError, match="packing is 0"):
        Packed(nn.Identity(), 0)
