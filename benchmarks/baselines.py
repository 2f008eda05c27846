"""What genlib's training is measured against: loops as others write them, on the same networks.

`*_example` are in the style of PyTorch's official examples: a DataLoader that transforms one
picture at a time, plain Adam, the losses of the example. `*_by_hand` are the best eager loops we
can write: data on the device, fused Adam, and nothing but the algorithm. Each trains for `steps`
steps and returns seconds per step, without building anything that is built once.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.clock import timed
from benchmarks.feeding import gan_loader, vae_loader
from genlib.data import BatchStream, ImageSet
from genlib.losses import critic_loss
from genlib.models.vae import VAE


def vae_example(model: VAE, data: ImageSet, batch_size: int, steps: int) -> float:
    """The loop of `pytorch/examples/vae`: probabilities, binary cross-entropy, summed."""
    device = next(model.parameters()).device
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    batches = vae_loader(data, batch_size, device)
    train_loss = 0.0

    def step() -> None:
        nonlocal train_loss
        x = next(batches)
        optimizer.zero_grad()
        mu, log_var = model.encode(x)
        std = torch.exp(0.5 * log_var)
        z = mu + torch.randn_like(std) * std
        reconstruction = torch.sigmoid(model.decode(z))
        cross_entropy = F.binary_cross_entropy(
            reconstruction.view(-1, 784), x.view(-1, 784), reduction="sum"
        )
        kl = -0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp())
        loss = cross_entropy + kl
        loss.backward()
        train_loss += loss.item()
        optimizer.step()

    return timed(steps, device, step)


def gan_example(
    generator: Any, discriminator: nn.Module, data: ImageSet, batch_size: int, steps: int
) -> float:
    """The loop of `pytorch/examples/dcgan`: real and generated pictures apart, BCE on labels."""
    device = next(discriminator.parameters()).device
    d_adam = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    g_adam = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    criterion = nn.BCEWithLogitsLoss()  # the example has a sigmoid in the network, then BCELoss
    batches = gan_loader(data, batch_size, device)

    def step() -> None:
        x = next(batches)
        discriminator.zero_grad()
        label = torch.full((len(x),), 1.0, device=device)
        output = discriminator(x)
        real_loss = criterion(output, label)
        real_loss.backward()
        output.mean().item()
        fake = generator(torch.randn(len(x), generator.latent, device=device))
        label.fill_(0.0)
        output = discriminator(fake.detach())
        fake_loss = criterion(output, label)
        fake_loss.backward()
        output.mean().item()
        (real_loss + fake_loss).item()
        d_adam.step()
        generator.zero_grad()
        label.fill_(1.0)
        output = discriminator(fake)
        loss = criterion(output, label)
        loss.backward()
        output.mean().item()
        g_adam.step()
        loss.item()

    return timed(steps, device, step)


def gan_by_hand(
    generator: Any, discriminator: nn.Module, data: ImageSet, batch_size: int, steps: int
) -> float:
    """The same algorithm, as fast as an eager loop gets."""
    device = next(discriminator.parameters()).device
    d_weights, g_weights = list(discriminator.parameters()), list(generator.parameters())
    d_adam = torch.optim.Adam(d_weights, lr=2e-4, betas=(0.5, 0.999), fused=True)
    g_adam = torch.optim.Adam(g_weights, lr=2e-4, betas=(0.5, 0.999), fused=True)
    stream = BatchStream(data, batch_size, seed=0)

    def step() -> None:
        x = next(stream).x
        fake = generator(torch.randn(len(x), generator.latent, device=device))
        d_adam.zero_grad()
        d_loss = F.softplus(-discriminator(x)) + F.softplus(discriminator(fake.detach()))
        d_loss.mean().backward()
        d_adam.step()
        g_adam.zero_grad()
        F.softplus(-discriminator(fake)).mean().backward(inputs=g_weights)
        g_adam.step()

    return timed(steps, device, step)


def wgan_gp_example(
    generator: Any, critic: nn.Module, data: ImageSet, batch_size: int, steps: int
) -> float:
    """As WGAN-GP is commonly written: fresh noise for each loss, `autograd.grad`, five to one."""
    device = next(critic.parameters()).device
    c_adam = torch.optim.Adam(critic.parameters(), lr=1e-4, betas=(0.0, 0.9))
    g_adam = torch.optim.Adam(generator.parameters(), lr=1e-4, betas=(0.0, 0.9))
    batches = gan_loader(data, batch_size, device)

    def noise(n: int) -> Tensor:
        return torch.randn(n, generator.latent, device=device)

    def step() -> None:
        for _ in range(5):
            x = next(batches)
            c_adam.zero_grad()
            fake = generator(noise(len(x)))
            eps = torch.rand(len(x), 1, 1, 1, device=device)
            x_hat = (eps * x.data + (1 - eps) * fake.data).requires_grad_(True)
            scores = critic(x_hat)
            slope = torch.autograd.grad(
                scores, x_hat, torch.ones_like(scores), create_graph=True, retain_graph=True
            )[0]
            penalty = ((slope.view(len(x), -1).norm(2, dim=1) - 1) ** 2).mean()
            loss = -critic(x).mean() + critic(fake).mean() + 10 * penalty
            loss.backward()
            c_adam.step()
        g_adam.zero_grad()
        g_loss = -critic(generator(noise(len(x)))).mean()
        g_loss.backward()
        g_adam.step()
        loss.item(), g_loss.item()

    return timed(steps, device, step)


def wgan_gp_by_hand(
    generator: Any, critic: nn.Module, data: ImageSet, batch_size: int, steps: int
) -> float:
    """The same algorithm, as fast as an eager loop gets."""
    device = next(critic.parameters()).device
    c_weights, g_weights = list(critic.parameters()), list(generator.parameters())
    c_adam = torch.optim.Adam(c_weights, lr=1e-4, betas=(0.0, 0.9), fused=True)
    g_adam = torch.optim.Adam(g_weights, lr=1e-4, betas=(0.0, 0.9), fused=True)
    stream = BatchStream(data, batch_size, seed=0)

    def step() -> None:
        for move in range(5):
            x = next(stream).x
            with torch.set_grad_enabled(move == 4):
                fake = generator(torch.randn(len(x), generator.latent, device=device))
            eps = torch.rand(len(x), device=device)
            c_adam.zero_grad()
            critic_loss(critic, x, fake.detach(), eps)[0].mean().backward()
            c_adam.step()
        g_adam.zero_grad()
        (-critic(fake)).mean().backward(inputs=g_weights)
        g_adam.step()

    return timed(steps, device, step)


def vae_by_hand(model: VAE, data: ImageSet, batch_size: int, steps: int) -> float:
    """The ELBO of a VAE, as fast as an eager loop gets."""
    device = next(model.parameters()).device
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    stream = BatchStream(data, batch_size, seed=0)

    def step() -> None:
        x = next(stream).x
        optimizer.zero_grad()
        mu, log_var = model.encode(x)
        z = mu + torch.exp(0.5 * log_var) * torch.randn_like(mu)
        loss = F.binary_cross_entropy_with_logits(model.decode(z), x, reduction="sum")
        loss = loss + 0.5 * (mu.square() + log_var.exp() - 1 - log_var).sum()
        (loss / len(x)).backward()
        optimizer.step()

    return timed(steps, device, step)
