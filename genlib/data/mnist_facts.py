"""What is known about Fashion-MNIST and MNIST before a byte of them is read."""

from __future__ import annotations

from dataclasses import dataclass

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


@dataclass(frozen=True)
class Known:
    """The facts of one set."""

    name: str
    title: str
    folder: str  # torchvision's name for the class and for the folder
    classes: tuple[str, ...]
    source: str
    sha256: tuple[str, str, str, str]  # of the decompressed FILES


FASHION_MNIST = Known(
    name="fashion_mnist",
    title="Fashion-MNIST",
    folder="FashionMNIST",
    classes=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    source="Fashion-MNIST: photographs of Zalando's articles (Xiao, Rasul and Vollgraf, 2017), "
    "MIT licence, github.com/zalandoresearch/fashion-mnist.",
    sha256=(
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
)
MNIST = Known(
    name="mnist",
    title="MNIST",
    folder="MNIST",
    classes=tuple("0123456789"),
    source="MNIST: handwritten digits (LeCun, Cortes and Burges, 1998), made from NIST's special "
    "databases 1 and 3, yann.lecun.com/exdb/mnist.",
    sha256=(
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)
