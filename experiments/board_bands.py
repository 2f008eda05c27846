"""Where the scoreboard's figures must lie: a band for the mean of each, at two sizes.

`COMMITTED` is for the committed result. `SMOKE` is for the board of profile smoke, on the stand-in
digits and on few drawn faces, whose models have hardly begun to learn: it says that the code still
measures what it did. There, references have narrow bands, since nothing is trained; times are the
machine's affair and have none, and neither has the sharpness of pictures without any detail.

A block names its board and the figures; each line has a model and low:high, or - for none.
"""

from __future__ import annotations

Band = tuple[float, float]
Bands = dict[str, dict[str, dict[str, Band]]]  # board, model, figure

COMMITTED = """
clothes    frechet  precision  recall
data       0:0.5    0.83:0.92  0.83:0.92
"""

SMOKE = """
clothes          frechet  kernel    entropy   sharpness
data             5.4:7.4  -3.8:13   1.3:1.7   0.038:0.053
memoriser        4.9:6.8  -7.8:8.3  1.4:1.8   0.038:0.053
gaussian         13:19    23:40     1.1:1.5   0.037:0.051
autoencoder      110:270  160:650   0:0.6     0.006:0.055
vae              120:290  200:830   0.32:1.6  0.0056:0.051
conv_vae         210:510  330:1400  0:0.6     0.011:0.11
iwae             120:300  210:850   0.34:1.6  0.0054:0.049
conditional_vae  120:290  200:830   0.35:1.6  0.0055:0.05
gan_dense        200:480  300:1300  0:0.6     0.011:0.1
gan              220:520  320:1400  0:0.6     0:0.12
wgan_clipped     180:430  290:1200  0:0.6     0.0033:0.03
wgan_gp          200:490  310:1300  0:0.6     0.0024:0.022
vae_gan          200:490  310:1300  0:0.6     0:0.083

clothes          precision  recall     density    coverage
data             0.84:1     0.87:1     1:1.4      0.92:1
memoriser        0.88:1     0.85:1     0.99:1.4   0.92:1
gaussian         0.81:0.98  0.57:0.74  0.81:1.2   0.8:0.97
autoencoder      0.75:1     0:0.25     0.062:1.1  0:0.29
vae              0:0.55     0:0.25     0:0.61     0:0.29
conv_vae         0:0.25     0:0.25     0:0.5      0:0.25
iwae             0:0.47     0:0.25     0:0.6      0:0.29
conditional_vae  0:0.78     0:0.25     0:0.62     0:0.29
gan_dense        0:0.25     0:0.25     0:0.5      0:0.25
gan              0:0.25     0:0.25     0:0.5      0:0.25
wgan_clipped     0:0.25     0:0.25     0:0.5      0:0.25
wgan_gp          0:0.25     0:0.25     0:0.5      0:0.25
vae_gan          0:0.25     0:0.25     0:0.5      0:0.25

clothes          bound    bound_50
vae              220:310  210:290
conv_vae         320:450  320:450
iwae             220:300  210:290
conditional_vae  220:310  210:290

faces      frechet    kernel           entropy  sharpness
data       340:470    -150000:-25000   0.84:1   0.055:0.075
memoriser  48:66      -240000:-110000  0.83:1   0.054:0.074
vae        3700:8700  1500000:6400000  0:0.6    -
wgan_gp    3800:9000  1800000:7400000  0:0.6    -
vae_gan    3800:9000  1800000:7400000  0:0.6    -

faces      precision  recall  density   coverage
data       0.86:1     0.85:1  0.81:1.2  0.86:1
memoriser  0.91:1     0.91:1  0.94:1.3  0.92:1
vae        0.75:1     0:0.25  1.6:2.7   0:0.36
wgan_gp    0.75:1     0:0.25  0.9:1.9   0:0.32
vae_gan    0.75:1     0:0.25  0.9:1.9   0:0.32
"""


def read(text: str) -> Bands:
    """The bands of one size."""
    found: Bands = {}
    for block in text.strip().split("\n\n"):
        (board, *names), *lines = (line.split() for line in block.splitlines())
        for model, *cells in lines:
            own = found.setdefault(board, {}).setdefault(model, {})
            for name, cell in zip(names, cells, strict=True):
                if cell != "-":
                    low, high = cell.split(":")
                    own[name] = (float(low), float(high))
    return found


def bands(text: str) -> dict[str, Band]:
    """By path in a result's figures, as `common.figure` reads it."""
    return {
        f"boards/{board}/{model}/{name}/mean": band
        for board, models in read(text).items()
        for model, figures in models.items()
        for name, band in figures.items()
    }
