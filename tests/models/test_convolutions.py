"""Sizes and coverage of transposed convolutions against torch; the place of normalisation."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from genlib.models.convolutions import coverage, down, explain_sizes, transposed_size, up
from genlib.models.gan import ConvDiscriminator, ConvGenerator


@settings(deadline=None, max_examples=200)
@given(
    st.integers(1, 12), st.integers(1, 7), st.integers(1, 5), st.integers(0, 4), st.integers(0, 4)
)
def test_sizes_are_torchs(side: int, kernel: int, stride: int, padding: int, extra: int) -> None:
    assume(extra < stride)
    assume((side - 1) * stride + kernel - 2 * padding + extra > 0)
    x, weight = torch.zeros(1, 1, side, side), torch.zeros(1, 1, kernel, kernel)
    out = F.conv_transpose2d(x, weight, None, stride, padding, extra)
    size = transposed_size(side, kernel, stride, padding, extra)
    assert out.shape == (1, 1, size, size)


def ones(kernel: int, stride: int, side: int, padding: int) -> Tensor:
    x, weight = torch.ones(1, 1, side, side), torch.ones(1, 1, kernel, kernel)
    return F.conv_transpose2d(x, weight, None, stride, padding)[0, 0]


@settings(deadline=None, max_examples=150)
@given(st.integers(1, 7), st.integers(1, 5), st.integers(1, 9), st.integers(0, 3))
def test_coverage_is_a_convolution_of_ones(
    kernel: int, stride: int, side: int, padding: int
) -> None:
    assume((side - 1) * stride + kernel - 2 * padding > 0)
    counts = coverage(kernel, stride, side, padding)
    assert counts.dtype == torch.int64
    assert torch.equal(counts, ones(kernel, stride, side, padding).long())
    if padding == 0:
        assert counts.sum() == (side * kernel) ** 2  # each input pixel reaches kernel² others


@settings(deadline=None)
@given(st.integers(1, 7), st.integers(1, 7))
def test_it_is_even_inside_where_the_stride_divides_the_kernel(kernel: int, stride: int) -> None:
    counts = coverage(kernel, stride, 20)
    inner = counts[kernel : 20 * stride - kernel, kernel : 20 * stride - kernel]
    assert (inner.min() == inner.max()) == (kernel % stride == 0)


def test_the_64_pixel_generator_explained() -> None:
    lines = explain_sizes(3, [(3, 3), (5, 2), (4, 3)]).splitlines()
    assert lines == [
        "3 → 9: 2 steps of 3, then a kernel of 3: 2 · 3 + 3 = 9",
        "9 → 21: 8 steps of 2, then a kernel of 5: 8 · 2 + 5 = 21",
        "21 → 64: 20 steps of 3, then a kernel of 4: 20 · 3 + 4 = 64",
    ]
    assert [coverage(k, s, n).unique().tolist() for k, s, n in [(3, 3, 3), (5, 2, 9), (4, 3, 21)]] \
        == [[1], [1, 2, 3, 4, 6, 9], [1, 2, 4]]  # fmt: skip


def test_padding_and_its_output_are_explained() -> None:
    assert explain_sizes(7, [(4, 2, 1)]) == (
        "7 → 14: 6 steps of 2, then a kernel of 4, less 1 at both ends: 6 · 2 + 4 − 2 · 1 = 14"
    )
    line = explain_sizes(4, [(3, 2, 1, 1)])
    assert line.endswith("and 1 more at one: 3 · 2 + 3 − 2 · 1 + 1 = 8")


def test_every_explanation_adds_up() -> None:
    for kernel in range(1, 6):
        for stride in range(1, 4):
            for line in explain_sizes(4, [(kernel, stride), (kernel, stride, 0)]).splitlines():
                sums, size = line.split(": ")[2].split(" = ")
                assert eval(sums.replace("·", "*").replace("−", "-")) == int(size)


@pytest.mark.parametrize(
    "numbers", [(0, 3, 1), (3, 0, 1), (3, 3, 0), (3, 3, 1, -1), (3, 3, 2, 0, 2), (1, 2, 1, 1)]
)
def test_sizes_that_cannot_be_are_refused(numbers: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"must be at least 1|cuts off all"):
        transposed_size(*numbers)


# --- the place of normalisation -------------------------------------------------------------------


def kinds(layers: list[nn.Module]) -> str:
    marks = {nn.BatchNorm2d: "n", nn.ReLU: "a", nn.LeakyReLU: "a"}
    return "".join(marks.get(type(layer), "w") for layer in layers if not isinstance(
        layer, nn.Unflatten | nn.Flatten
    ))  # fmt: skip


def test_normalisation_before_or_after_the_activation() -> None:
    def order(place) -> tuple[str, str]:
        painter = up(8, (1, 28, 28), 4, "batch", place)
        blocks = down((1, 32, 32), 4, "batch", place)
        return kinds(list(painter)), kinds([layer for block in blocks for layer in block])

    assert order("before") == ("wnawnaw", "wawnawna")
    assert order("after") == ("wanwanw", "wawanwan")


@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
@pytest.mark.parametrize("place", ["before", "after"])
def test_a_bias_is_left_out_just_where_it_has_no_effect(norm, place) -> None:
    """A number added to each channel changes the output; where there is no bias, it does not."""
    torch.manual_seed(0)
    generator = ConvGenerator(6, 4, norm=norm, place=place)
    discriminator = ConvDiscriminator(4, (1, 32, 32), norm=norm, place=place)
    for model, x in ((generator, torch.rand(5, 6)), (discriminator, torch.rand(5, 1, 32, 32))):
        convs = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
        bare = [conv for conv in convs if conv.bias is None]
        follow = 1 if model is generator else 2  # convolutions that a norm follows
        assert len(bare) == (follow if (norm, place) == ("batch", "before") else 0)
        for conv in convs:
            plain = model(x)
            shift = torch.randn(conv.out_channels, 1, 1)
            handle = conv.register_forward_hook(lambda _, __, out, shift=shift: out + shift)
            change = (model(x) - plain).abs().max()
            handle.remove()
            assert (change < 1e-5) == (conv.bias is None)


def test_the_place_changes_nothing_without_a_norm() -> None:
    torch.manual_seed(0)
    before = ConvGenerator(6, 4, norm="none")
    torch.manual_seed(0)
    after = ConvGenerator(6, 4, norm="none", place="after")
    z = torch.rand(3, 6)
    assert torch.equal(before(z), after(z))


def test_another_place_is_refused() -> None:
    with pytest.raises(ValueError, match="place is 'beside'; normalise 'before' or 'after'"):
        ConvGenerator(place="beside")  # type: ignore[arg-type]
