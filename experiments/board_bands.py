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
clothes          frechet     kernel    entropy  sharpness
data             0.088:0.17  -3.6:2.5  2.2:2.4  0.1:0.26
memoriser        0.037:0.25  -4:2.1    2.2:2.4  0.1:0.26
gaussian         140:270     640:1600  1.8:2.1  0.085:0.2
autoencoder      100:200     630:1500  2:2.3    0.029:0.07
vae              110:220     780:1900  2:2.3    0.011:0.026
conv_vae         110:210     760:1800  2.1:2.4  0.014:0.034
iwae             110:220     780:1900  2.1:2.4  0.011:0.027
conditional_vae  120:230     800:1900  2.1:2.4  0.01:0.025
gan_dense        300:570     970:2300  1.4:1.8  0.084:0.2
gan              32:110      74:660    2.1:2.4  0.13:0.33
wgan_clipped     87:440      710:1700  1.3:2.4  0.044:0.14
wgan_gp          26:130      90:850    2.1:2.4  0.081:0.19
vae_gan          48:91       250:590   2:2.3    0.14:0.35

clothes          precision  recall      density     coverage
data             0.81:0.94  0.81:0.94   0.87:1.2    0.9:1
memoriser        0.83:0.96  0.83:0.96   0.91:1.2    0.92:1
gaussian         0.5:0.63   0.088:0.23  0.23:0.48   0.03:0.16
autoencoder      0.46:0.59  0.13:0.26   0.18:0.43   0.069:0.19
vae              0.52:0.77  0:0.11      0.17:0.8    0.11:0.24
conv_vae         0.39:0.52  0.13:0.26   0.15:0.4    0.092:0.22
iwae             0.61:0.74  0:0.12      0.4:0.65    0.13:0.26
conditional_vae  0.56:0.69  0:0.11      0.33:0.58   0.1:0.23
gan_dense        0.53:0.66  0:0.062     0.3:0.55    0.054:0.18
gan              0.25:0.39  0.33:0.58   0.045:0.29  0.081:0.21
wgan_clipped     0.17:0.5   0:0.093     0:0.38      0:0.11
wgan_gp          0.31:0.44  0.23:0.71   0.086:0.33  0.093:0.22
vae_gan          0.3:0.5    0.4:0.7     0.092:0.38  0.15:0.28

clothes          bound    bound_50  seconds  images_per_second  samples_per_second
autoencoder      -        -         3.9:36   7200:66000         65000:590000
vae              240:260  230:260   4.2:39   6700:61000         68000:620000
conv_vae         240:260  230:260   9.9:90   2800:26000         9300:85000
iwae             230:260  230:260   10:93    2700:25000         65000:590000
conditional_vae  230:260  230:260   4.2:39   6700:61000         64000:590000
gan_dense        -        -         3.4:32   8300:75000         110000:1100000
gan              -        -         21:200   1300:13000         8500:77000
wgan_clipped     -        -         16:150   1700:16000         8300:76000
wgan_gp          -        -         27:260   1000:9200          8500:78000
vae_gan          -        -         43:400   650:5900           8800:80000

faces      frechet    kernel          entropy    sharpness
data       5:9.4      -1300:2000      0.89:1     0.038:0.091
memoriser  2.7:5.1    -3900:3500      0.89:1     0.038:0.091
vae        1100:2200  880000:2100000  0.68:0.89  0.0038:0.0091
wgan_gp    690:1300   350000:980000   0.82:1     0.016:0.038
vae_gan    800:1500   430000:1100000  0.78:0.99  0.04:0.094

faces      precision  recall   density   coverage
data       0.88:1     0.88:1   0.87:1.2  0.9:1
memoriser  0.89:1     0.9:1    0.92:1.2  0.93:1
vae        0.82:0.95  0:0.091  0.94:1.2  0.31:0.44
wgan_gp    0.82:0.95  0:0.078  1:1.3     0.51:0.64
vae_gan    0.65:1     0:0.074  0:2.2     0.43:0.63

faces    seconds  images_per_second  samples_per_second
vae      39:360   360:3300           1400:13000
wgan_gp  47:440   290:2700           1200:12000
vae_gan  100:940  130:1300           1200:12000
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

# What is measured of faces alone, at the committed size.
FACES: dict[str, Band] = {
    "faces/vae/missing/mean": (2.0, 9.0),
    "faces/vae_gan/missing/mean": (0.0, 3.0),
    "faces/wgan_gp/missing/mean": (0.0, 2.0),
    "faces/wgan_gp/pairs/mean": (0.85, 1.0),
    "faces/vae/mse/mean": (0.004, 0.008),
    "faces/vae_gan/mse/mean": (0.012, 0.035),
    "faces/vae/attributes_kept/mean": (0.74, 0.88),
    "faces/vae_gan/attributes_kept/mean": (0.54, 0.76),
    "arithmetic/vae/glasses/added/mean": (0.55, 1.0),
    "arithmetic/vae/glasses/random/mean": (0.0, 0.1),
    "arithmetic/vae/smile/added/mean": (0.05, 0.4),  # the code does not hold it
    "arithmetic/vae_gan/glasses/added/mean": (0.6, 1.0),
    "arithmetic/vae_gan/curly/added/mean": (0.6, 1.0),
    "arithmetic/vae_gan/curly/random/mean": (0.0, 0.1),
    "arithmetic/vae_gan/beanie/added/mean": (0.45, 0.95),
}


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
