"""The scoreboard: every model of the course, the same data, as many images, three seeds, one table.

    make scoreboard    # python -m experiments.scoreboard

Two boards: "clothes" (`board_clothes`: Fashion-MNIST, all models) and "faces" (`board_faces`: drawn
faces in colour, three models). On a board, all models see as many real images in all. Their
settings are those of their chapters; nothing was tuned for the board but the VAE-GAN on faces, of
which five settings were tried. The chapters did not give all models equal care either.
`board_scores` says what each score and each time is, and against what.

- "boards": by board and model, intervals over the seeds; whole numbers where all seeds agree.
  References, such as "data", have scores and nothing else. Their pictures differ between seeds, but
  for the clothes of "data": there is one test set, so that its intervals have no width.
- "runs": the same numbers, a list over the seeds.
- "n": pictures that the scores are taken of.
- "faces", "arithmetic": what is measured of faces alone; see `board_faces`.

Pictures: "clothes_MODEL", samples of seed 0 in a row; those of faces are said in `board_faces`.

Beside the result lies the same as a table in Markdown; see `board_table`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

from experiments import board_bands, board_clothes, board_faces, board_table
from experiments.board_clothes import ClothesSettings
from experiments.board_clothes import run as run_clothes
from experiments.board_faces import FacesSettings, summarise_extras
from experiments.board_faces import run as run_faces
from experiments.board_scores import of_model
from experiments.common import Row, run_experiment
from genlib import budget


@dataclass(frozen=True)
class Settings:
    """Everything that was chosen, by board."""

    seeds: int = budget(smoke=2, cpu=3, gpu=5)
    clothes: ClothesSettings = field(default_factory=ClothesSettings)
    faces: FacesSettings = field(default_factory=lambda: FacesSettings(columns=7))


SETTINGS = Settings()
BANDS = board_bands.bands(board_bands.COMMITTED) | board_bands.FACES
ENTRIES = {
    "clothes": (*board_clothes.REFERENCES, *board_clothes.MODELS),
    "faces": (*board_faces.REFERENCES, *board_faces.MODELS),
}


def cells(settings: Settings) -> list[Row]:
    return [
        {"board": board, "model": model, "seed": seed}
        for seed in range(settings.seeds)
        for board, models in ENTRIES.items()
        for model in models
    ]


def run(settings: Settings, *, board: str, model: str, seed: int) -> Row:
    if board == "clothes":
        return run_clothes(settings.clothes, model=model, seed=seed)
    return run_faces(settings.faces, model=model, seed=seed)


def summarise(settings: Settings, rows: list[Row]) -> Row:
    boards: dict[str, Row] = {}
    runs: dict[str, Row] = {}
    for board, models in ENTRIES.items():
        boards[board], runs[board] = {}, {}
        for model in models:
            own = [row for row in rows if (row["board"], row["model"]) == (board, model)]
            own.sort(key=lambda row: row["seed"])
            boards[board][model], runs[board][model] = of_model(own)
    faces = [row for row in rows if row["board"] == "faces"]
    return {
        "boards": boards,
        "runs": runs,
        "n": {"clothes": settings.clothes.samples, "faces": settings.faces.samples},
        **summarise_extras(settings.faces, sorted(faces, key=lambda row: row["seed"])),
    }


if __name__ == "__main__":
    print(board_table.write(run_experiment(sys.modules[__name__], "scoreboard")))
