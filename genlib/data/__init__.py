"""Data sets as tensors on the device, and the stream that makes batches of them."""

from genlib.data.digits import digits
from genlib.data.errors import DataError, used
from genlib.data.folder import image_folder
from genlib.data.images import ImageSet
from genlib.data.mnist import fashion_mnist, mnist
from genlib.data.stream import Batch, BatchStream

__all__ = [
    "Batch",
    "BatchStream",
    "DataError",
    "ImageSet",
    "digits",
    "fashion_mnist",
    "image_folder",
    "mnist",
    "used",
]
