"""pythae's own trainer on the VAE 784-400-20, where the package is installed.

pip install pythae
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import tempfile
import time
from typing import Any

import torch
from torch import Tensor

from genlib.data import ImageSet
from genlib.models.vae import DenseVAE


def installed() -> bool:
    """Whether pythae can be measured here."""
    return importlib.util.find_spec("pythae") is not None


def vae_pythae(data: ImageSet, batch_size: int, epochs: int = 2) -> float:
    """Seconds per step of pythae's `BaseTrainer`; the fastest epoch, without set-up and saving."""
    from pythae.data.datasets import BaseDataset
    from pythae.models import VAE, VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig
    from pythae.trainers.training_callbacks import TrainingCallback

    network = DenseVAE(image_shape=data.shape)

    class Encoder(BaseEncoder):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.network = network.encoder

        def forward(self, x: Tensor) -> Any:
            mu, log_var = self.network(x.flatten(1)).chunk(2, dim=1)
            return ModelOutput(embedding=mu, log_covariance=log_var)

    class Decoder(BaseDecoder):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.network = network.decoder

        def forward(self, z: Tensor) -> Any:
            return ModelOutput(reconstruction=torch.sigmoid(self.network(z)))

    class Clock(TrainingCallback):  # type: ignore[misc]
        def __init__(self) -> None:
            self.epochs: list[float] = []
            self.began = 0.0

        def on_epoch_begin(self, training_config: Any, **others: Any) -> None:
            self.began = time.perf_counter()

        def on_epoch_end(self, training_config: Any, **others: Any) -> None:
            self.epochs.append(time.perf_counter() - self.began)

    settings = VAEConfig(input_dim=data.shape, latent_dim=network.latent, reconstruction_loss="bce")
    clock = Clock()
    logging.disable(logging.INFO)
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            contextlib.redirect_stderr(io.StringIO()),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            trainer = BaseTrainer(
                VAE(settings, Encoder(), Decoder()),
                BaseDataset(data.pixels().cpu(), torch.zeros(len(data))),
                training_config=BaseTrainerConfig(
                    output_dir=folder,
                    num_epochs=epochs,
                    learning_rate=1e-3,
                    per_device_train_batch_size=batch_size,
                ),
                callbacks=[clock],
            )
            trainer.train()
    finally:
        logging.disable(logging.NOTSET)
    return min(clock.epochs) / -(-len(data) // batch_size)
