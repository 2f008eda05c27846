"""How the prose says the glossary's terms, where that does not follow from the term itself.

`tools/glossary.py` finds a term, its plural, and its variants with hyphens or spaces, with s or z,
with a small or a capital first letter. What is here is the rest, with a reason for each exception.
"""

from __future__ import annotations

# Other words for a term, with plurals and variants as above.
ALIASES: dict[str, tuple[str, ...]] = {
    "amortised inference": ("amortisation",),
    "autoregressive model": ("autoregressive",),
    "batch normalisation": ("batch norm",),
    "beta-VAE": ("β-VAE",),
    "data-processing inequality": ("data processing",),
    "density ratio": ("ratio of two densities",),
    "ELBO": ("evidence lower bound",),
    "forward and reverse KL": ("forward KL", "reverse KL", "forward and the reverse KL"),
    "Fréchet distance": ("Fréchet",),
    "held-out images": ("held-out",),
    "hinge loss": ("hinge",),
    "importance-weighted autoencoder": ("IWAE",),
    "Jensen–Shannon divergence": ("Jensen–Shannon",),
    "KL divergence": ("Kullback–Leibler divergence", "KL"),
    "latent variable": ("latent-variable model",),
    "least-squares loss": ("least squares",),
    "Lipschitz constant": ("1-Lipschitz",),
    "mixture": ("mixture of two Gaussians", "Gaussian mixture"),
    "mode-covering and mode-seeking": ("mode-covering", "mode-seeking"),
    "perceptual distance": ("perceptual loss",),
    "principal component analysis": ("PCA",),
    "reparameterisation": ("reparameterization trick",),
    "spectral normalisation": ("spectral norm",),
    "squared error": ("mean squared error",),
    "unbiased estimate": ("unbiased",),
    "variational autoencoder": ("VAE",),
    "vector quantisation": ("VQ-VAE",),
    "Wasserstein distance": ("earth mover's distance",),
    "Wilson's interval": ("Wilson interval", "Wilson"),
}

# Terms that are everyday words too: the patterns that mean the term, and what else the word means.
# In the text that they see, \x01 stands for each character of a formula, \x00 for one of a link.
MEANT: dict[str, tuple[str, str]] = {
    "bit": (r"(?<=\*\*)bit(?=\*\*)|\bbits(?= per | of information)", "a bit, to the last bit"),
    "code": (
        r"(?<![\w-])(?:[Cc]odes?(?=\*{0,2} \x01|(?: of|'s) (?:an|each|every|one|two) image)"
        r"|(?<=draw )codes|(?:[Ll]atent|[Ll]ength of the|[Ss]hort|[Ll]ong|[Ww]ide) codes?)(?!\w)",
        "program code, and the codes of chapter 2's telegraph",
    ),
    "mixture": (r"(?<!dim )(?<![\w-])[Mm]ixtures?(?![\w-]| of the principal)", "a mix of pictures"),
    "move": (
        r"(?<=[Ff]ive )moves(?= of)|(?<=player's )move(?!\w)|(?<=one \*\*)move(?=\*\*)"
        r"|(?<=after each )move(?!\w)",
        "the verb, and every change of place",
    ),
    "rate": (
        r"(?<=trade )rate|[Rr]ate(?=,? (?:and|against|or) (?:the )?distortion)",
        "learning rate",
    ),
    "score function": (
        r"(?<=\*\*)score(?=\*\*)|(?<![\w-])[Ss]core functions?(?![\w-])",
        "what a critic gives to an image",
    ),
    "step": (
        r"(?<![\w-])(?:[Tt]raining steps?|(?<=[05] )steps|(?<=fewer )steps|(?<=more )steps)(?!\w)",
        "a step of a proof, of an optimiser, of a walk",
    ),
    "surprise": (r"(?<!for a )(?<!other )[Ss]urprise(?=[,*]| of |: | is )", "something unexpected"),
}

# Uses that stay without a link: (page, term) -> why.
UNLINKED: dict[tuple[str, str], str] = {
    ("chapters/06-vae-gan", "distortion"): "pictures that were distorted",
    ("performance", "generator"): "a generator of random numbers",
    ("reproducibility", "generator"): "a generator of random numbers",
}
