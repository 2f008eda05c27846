"""Data sets as tensors on the device, and the stream that makes batches of them."""

from genlib.data.errors import DataError, used
from genlib.data.faces import drawn_faces
from genlib.data.folder import image_folder
from genlib.data.images import ImageSet, binarised
from genlib.data.mnist_sets import fashion_mnist, mnist
from genlib.data.points import PointStream, PointTarget, grid, ring, swiss_roll
from genlib.data.small_digits import digits
from genlib.data.stream import AttributeStream, Batch, BatchStream

__all__ = [
    "AttributeStream",
    "Batch",
    "BatchStream",
    "DataError",
    "ImageSet",
    "PointStream",
    "PointTarget",
    "binarised",
    "digits",
    "drawn_faces",
    "fashion_mnist",
    "grid",
    "image_folder",
    "mnist",
    "ring",
    "swiss_roll",
    "used",
]
