"""Each check of chapter 1, on right answers in several spellings and on wrong ones by name."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from sklearn.decomposition import PCA
from torch import nn

from genlib.exercises import (
    check_denoising_loss,
    check_pca,
    check_squared_error,
    check_tied_decoder,
)
from tests.exercises.reports import Answers, said


def refuse(r, x):
    if r.shape != x.shape:
        raise ValueError(f"shapes differ: {r.shape} and {x.shape}")


# 1.1 squared error


def se_sum(r, x):
    refuse(r, x)
    return (r - x).square().flatten(1).sum(1)


def se_einsum(r, x):
    refuse(r, x)
    return torch.einsum("bchw,bchw->b", r - x, r - x)


def se_mse(r, x):
    refuse(r, x)
    return F.mse_loss(r, x, reduction="none").sum(dim=(1, 2, 3))


def se_loop(r, x):
    refuse(r, x)
    return torch.stack([((a - b) ** 2).sum() for a, b in zip(r, x, strict=True)])


SQUARED_ERROR_RIGHT = [se_sum, se_einsum, se_mse, se_loop]


@pytest.mark.parametrize("fn", SQUARED_ERROR_RIGHT)
def test_squared_error_right(fn):
    report = check_squared_error(fn)
    assert report, str(report)


def in_place(r, x):
    refuse(r, x)
    r -= x
    return r.square().flatten(1).sum(1)


def asserting(r, x):
    assert r.shape == x.shape
    return (r - x).square().flatten(1).sum(1)


def after_flattening(r, x):
    return (r.flatten(1) - x.flatten(1)).square().sum(1)


def through_numpy(r, x):
    refuse(r, x)
    return torch.from_numpy(((r - x).detach().numpy() ** 2).sum((1, 2, 3)))


def with_refusal(formula):
    def fn(r, x):
        refuse(r, x)
        return formula(r - x)

    return fn


SE_WRONG = {
    "divided by 784": lambda d: d.square().flatten(1).mean(1),
    "drop the final `.mean()`": lambda d: d.square().flatten(1).sum(1).mean(),
    "sum over the axes of the pixels only": lambda d: d.square().sum(),
    "`F.mse_loss` does by default": lambda d: d.square().mean(),
    "Nothing is summed": lambda d: d.square(),
    "last axis only": lambda d: d.square().sum(-1),
    "channel axis is left": lambda d: d.square().sum((-1, -2)),
    "no `keepdim`": lambda d: d.square().sum((1, 2, 3), keepdim=True),
    "axis 0": lambda d: d.square().sum(0),
    "before squaring": lambda d: d.flatten(1).sum(1) ** 2,
    "not squared": lambda d: d.flatten(1).sum(1),
    "absolute values": lambda d: d.abs().flatten(1).sum(1),
    "square root": lambda d: d.flatten(1).norm(dim=1),
    "half the right one": lambda d: d.square().flatten(1).sum(1) / 2,
}


@pytest.mark.parametrize("cause", SE_WRONG)
def test_squared_error_names_the_formula(cause):
    assert said(check_squared_error(with_refusal(SE_WRONG[cause])), cause)


@pytest.mark.parametrize(
    ("fn", "words"),
    [
        (lambda r, x: (r - x).square().flatten(1).sum(1), ["accepted r [5, 28, 28]", "[5, 5, 28"]),
        (after_flattening, ["accepted r [5, 28, 28] against x [5, 1, 28, 28]"]),
        (asserting, ["AssertionError", "python -O"]),
        (in_place, ["changed the tensors", "x -= r"]),
        (through_numpy, ["gradient with respect to r is lost", ".detach()"]),
        (with_refusal(lambda d: d.square().sum((1, 2, 3)) * torch.nan), ["5 values of 5", "NaN"]),
        (with_refusal(lambda d: d.square().sum((1, 2, 3)) + 7), ["expected", " at ["]),
        (with_refusal(lambda d: d.square().reshape(-1, 784).sum(1)), ["[4, 3, 8, 8]"]),
        (with_refusal(lambda d: d.square().sum((1, 2, 3)).squeeze()), ["[1, 1, 28, 28]", "[]"]),
        (with_refusal(lambda d: d.square().sum((1, 2, 3)).numpy()), ["RuntimeError"]),
        (with_refusal(lambda d: d.detach().square().sum((1, 2, 3)).numpy()), ["numpy"]),
        (with_refusal(lambda d: d.square().sum().item()), ["float", "`.item()`"]),
        (with_refusal(lambda d: d.square().sum((1, 2, 3)).long()), ["torch.int64", "fractions"]),
        (lambda r: r, ["cannot be called", "2 arguments"]),
        (torch.zeros(3), ["given Tensor, not a function"]),
    ],
)
def test_squared_error_symptoms(fn, words):
    assert said(check_squared_error(fn), *words)


# 1.2 tied decoder


def tied_functional(y, encoder_weights, biases):
    h = y
    for i, (w, b) in enumerate(zip(reversed(encoder_weights), biases, strict=True)):
        h = F.linear(h, w.T, b)
        if i < len(biases) - 1:
            h = torch.relu(h)
    return h


def tied_matmul(y, encoder_weights, biases):
    first, *rest = zip(encoder_weights[::-1], biases, strict=True)
    h = y @ first[0] + first[1]
    for w, b in rest:
        h = h.clamp(min=0) @ w + b
    return h


TIED_RIGHT = [tied_functional, tied_matmul]


@pytest.mark.parametrize("fn", TIED_RIGHT)
def test_tied_right(fn):
    report = check_tied_decoder(fn)
    assert report, str(report)


def decoder(
    *,
    flip=True,
    transpose=True,
    inner=torch.relu,
    outer=lambda h: h,
    first=lambda h: h,
    prepare=lambda w: w,
    bias=1,
    layers=None,
):
    def fn(y, encoder_weights, biases):
        weights = [prepare(w) for w in encoder_weights]
        weights = weights[::-1] if flip else weights
        h = first(y)
        for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
            h = F.linear(h, w.T if transpose else w, b * bias)
            h = inner(h) if i < (layers or len(biases)) - 1 else outer(h)
        return h

    return fn


TIED_WRONG = {
    "ReLU after the last layer": decoder(outer=torch.relu),
    "sigmoid after the last layer": decoder(outer=torch.sigmoid),
    "ReLU between the layers is missing": decoder(inner=lambda h: h),
    "to the code y too": decoder(first=torch.relu),
    "not a ReLU": decoder(inner=torch.tanh),
    "biases are missing": decoder(bias=0),
    "encoder's order: the decoder starts with the last": decoder(flip=False),
    "not transposed: `F.linear`": decoder(transpose=False),
    "that is the encoder": decoder(flip=False, transpose=False),
    "no longer tied": decoder(prepare=lambda w: w.detach()),
    "`nn.Parameter(W.T)` make copies": decoder(prepare=lambda w: nn.Parameter(w.clone())),
}


@pytest.mark.parametrize("cause", TIED_WRONG)
def test_tied_names_the_cause(cause):
    assert said(check_tied_decoder(TIED_WRONG[cause]), cause)


def test_tied_shape_error_is_described_with_its_line():
    report = check_tied_decoder(decoder(flip=False))
    assert said(report, "it raised RuntimeError in line", "F.linear")


def test_tied_in_place_list():
    def fn(y, encoder_weights, biases):
        encoder_weights.reverse()
        return tied_functional(y, encoder_weights[::-1], biases)

    assert said(check_tied_decoder(fn), "changed the caller's list", "reversed(weights)")


def test_tied_one_layer_untied_is_named():
    def fn(y, encoder_weights, biases):
        return tied_functional(y, [*encoder_weights[:-1], encoder_weights[-1].detach()], biases)

    assert said(check_tied_decoder(fn), "encoder_weights[1]")


def test_tied_depth_must_not_be_fixed():
    def fn(y, weights, biases):
        h = torch.relu(F.linear(y, weights[2].T, biases[0]))
        h = torch.relu(F.linear(h, weights[1].T, biases[1]))
        return F.linear(h, weights[0].T, biases[2])

    assert said(check_tied_decoder(fn), "IndexError")


# 1.3 PCA


def pca_svd(x_train, x, k):
    mean = x_train.mean(0, keepdim=True)
    v = torch.linalg.svd(x_train - mean, full_matrices=False).Vh[:k].T
    return mean + (x - mean) @ v @ v.T


def pca_eigh(x_train, x, k):
    mean = x_train.mean(0)
    d = x_train - mean
    v = torch.linalg.eigh(d.T @ d)[1][:, -k:]
    return (x - mean) @ (v @ v.T) + mean


def pca_lowrank(x_train, x, k):
    mean = x_train.mean(0)
    v = torch.pca_lowrank(x_train, q=min(x_train.shape), niter=10)[2][:, :k]
    return (x - mean) @ v @ v.T + mean


def pca_double(x_train, x, k):
    return pca_svd(x_train.double(), x.double(), k)


def pca_sklearn(x_train, x, k):
    model = PCA(k).fit(x_train.numpy())
    return torch.from_numpy(model.inverse_transform(model.transform(x.numpy())))


PCA_RIGHT = [pca_svd, pca_eigh, pca_lowrank, pca_double, pca_sklearn]


@pytest.mark.parametrize("fn", PCA_RIGHT)
def test_pca_right(fn):
    report = check_pca(fn)
    assert report, str(report)


def axes(x):
    return torch.linalg.svd(x, full_matrices=False).Vh


def own_mean(t, x, k):
    v = axes(t - t.mean(0))[:k]
    return (x - x.mean(0)) @ v.T @ v + x.mean(0)


def mutating(t, x, k):
    t -= t.mean(0)
    return x


def smallest(t, x, k):
    d = t - t.mean(0)
    v = torch.linalg.eigh(d.T @ d)[1][:, :k]
    return (x - t.mean(0)) @ v @ v.T + t.mean(0)


def columns(t, x, k):
    v = axes(t - t.mean(0))[:, :k]
    return (x - t.mean(0)) @ v @ v.T + t.mean(0)


def codes(t, x, k):
    return (x - t.mean(0)) @ axes(t - t.mean(0))[:k].T


def no_mean_back(t, x, k):
    return pca_svd(t, x, k) - t.mean(0)


def uncentred(t, x, k):
    v = axes(t)[:k]
    return x @ v.T @ v


def only_training_centred(t, x, k):
    v = axes(t - t.mean(0))[:k]
    return x @ v.T @ v + t.mean(0)


PCA_WRONG = {
    "mean of x, not of x_train": own_mean,
    "components are those of x": lambda t, x, k: pca_svd(x, x, k),
    "changed the tensors": mutating,
    "k smallest": smallest,
    "columns of `Vh`": columns,
    "These are the codes": codes,
    "not added back": no_mean_back,
    "Nothing is centred": uncentred,
    "did not centre x": only_training_centred,
    "used 5 components, not k = 4": lambda t, x, k: pca_svd(t, x, k + 1),
    "used 3 components, not k = 4": lambda t, x, k: pca_svd(t, x, k - 1),
    "k is fixed at 4": lambda t, x, k: pca_svd(t, x, 4),
    "reconstruction of x_train, not of x": lambda t, x, k: pca_svd(t, t, k),
    "nothing is projected": lambda t, x, k: x.clone(),
    "stay with torch": lambda t, x, k: pca_svd(t, x, k).numpy(),
}


@pytest.mark.parametrize("cause", PCA_WRONG)
def test_pca_names_the_cause(cause):
    assert said(check_pca(PCA_WRONG[cause]), cause)


# 1.4 denoising loss


def dae(model, x, noise_std, generator):
    noisy = x + noise_std * torch.randn(x.shape, generator=generator)
    return (model(noisy) - x).square().flatten(1).sum(1)


def dae_clamped(model, x, noise_std, generator):
    noise = torch.zeros_like(x).normal_(0, noise_std, generator=generator)
    return se_sum(model((x + noise).clamp(0, 1)), x)


def dae_per_image(model, x, noise_std, generator):
    noisy = torch.stack([i + torch.randn(i.shape, generator=generator) * noise_std for i in x])
    return torch.stack([F.mse_loss(r, i, reduction="sum") for r, i in zip(model(noisy), x)])  # noqa: B905


DENOISING_RIGHT = [dae, dae_clamped, dae_per_image]


@pytest.mark.parametrize("fn", DENOISING_RIGHT)
def test_denoising_right(fn):
    report = check_denoising_loss(fn)
    assert report, str(report)


def denoiser(
    noise, *, target=lambda model, x, noisy: x, reduce=lambda d: d.square().sum((1, 2, 3))
):
    def fn(model, x, noise_std, generator):
        noisy = x + noise(x, noise_std, generator)
        return reduce(model(noisy) - target(model, x, noisy))

    return fn


def gauss(x, s, g):
    return s * torch.randn(x.shape, generator=g)


def noise_after(model, x, noise_std, generator):
    return se_sum(model(x) + gauss(x, noise_std, generator), x)


def swapped(model, x, noise_std, generator):
    return se_sum(model(x), x + gauss(x, noise_std, generator))


def in_place_noise(model, x, noise_std, generator):
    x += gauss(x, noise_std, generator)
    return se_sum(model(x), x)


def flattened(model, x, noise_std, generator):
    noisy = x + gauss(x, noise_std, generator)
    return (model(noisy.flatten(1)) - x.flatten(1)).square().sum(1)


def no_grad(model, x, noise_std, generator):
    with torch.no_grad():
        return dae(model, x, noise_std, generator)


def reseeding(x, s, g):
    return gauss(x, s, g.manual_seed(0))


DAE_WRONG = {
    "with the noisy image": denoiser(gauss, target=lambda model, x, noisy: noisy),
    "model's output for the clean x": denoiser(gauss, target=lambda model, x, noisy: model(x)),
    "added to the reconstruction": noise_after,
    "roles are swapped": swapped,
    "No noise was added at all": lambda m, x, s, g: se_sum(m(x), x),
    "model's output is not used": lambda m, x, s, g: (lambda n: (m(x + n), se_sum(x + n, x))[1])(
        gauss(x, s, g)
    ),
    "never called": lambda m, x, s, g: se_sum(x, x),
    "changed the tensors": in_place_noise,
    "divided by 784": denoiser(gauss, reduce=lambda d: d.square().mean((1, 2, 3))),
    "drop the final `.mean()`": denoiser(gauss, reduce=lambda d: d.square().sum((1, 2, 3)).mean()),
    "same noise: draw": denoiser(lambda x, s, g: s * torch.randn(x.shape[1:], generator=g)),
    "one number for all its pixels": denoiser(
        lambda x, s, g: s * torch.randn(len(x), 1, 1, 1, generator=g)
    ),
    "does not come from the generator": denoiser(lambda x, s, g: s * torch.randn_like(x)),
    "every call gave the same noise": denoiser(reseeding),
    "is uniform on [0, 1)": denoiser(lambda x, s, g: s * torch.rand(x.shape, generator=g)),
    "variance": denoiser(lambda x, s, g: gauss(x, s**2, g)),
    "not multiplied by noise_std": denoiser(lambda x, s, g: gauss(x, 1, g)),
    "noise_std = 0.02": denoiser(lambda x, s, g: gauss(x, 0.05, g)),
    "not Gaussian": denoiser(
        lambda x, s, g: s * 12**0.5 * (torch.rand(x.shape, generator=g) - 0.5)
    ),
    "images of shape [32, 784]": flattened,
    "does not reach the model": no_grad,
}


@pytest.mark.parametrize("cause", DAE_WRONG)
def test_denoising_names_the_cause(cause):
    assert said(check_denoising_loss(DAE_WRONG[cause]), cause)


# the bank: test_bank.py asks of every check

BANK = {
    check_squared_error: Answers(
        SQUARED_ERROR_RIGHT, {cause: with_refusal(formula) for cause, formula in SE_WRONG.items()}
    ),
    check_tied_decoder: Answers(TIED_RIGHT, TIED_WRONG),
    check_pca: Answers(PCA_RIGHT, PCA_WRONG),
    check_denoising_loss: Answers(DENOISING_RIGHT, DAE_WRONG),
}
