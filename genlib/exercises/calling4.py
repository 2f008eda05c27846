"""Calling what a student wrote for chapter 4, and judging what comes back."""

from __future__ import annotations

import functools

from genlib.exercises import calling

ERRORS = {  # words of an error message, and what they point to
    "numpy()": "numpy carries no gradients: use torch's functions.",
    "between 0 and 1": "`binary_cross_entropy` takes probabilities, and logits are none: use "
    "`binary_cross_entropy_with_logits`.",
    "converted to": "Use torch's function: `math` and `float` take single numbers.",
    "does not require grad": "Nothing in the loss carries a gradient: is the discriminator itself "
    "under `no_grad`, or are its logits detached? Only the images are to be.",
    "backward through the graph a second time": "The images' graph is gone after the first "
    "`backward`: detach them in the discriminator's loss, which then never enters the generator.",
    "modified by an inplace": "The discriminator has moved since these logits were computed: "
    "compute them again after its step.",
    "Inference tensors": "`inference_mode` makes tensors that no loss can use: take `no_grad`.",
    "can be implicitly created": "The loss has one number per image: take its mean.",
    "Boolean value of Tensor": "`if` takes one truth: `torch.where` chooses for each number.",
}
call = functools.partial(calling.call, errors=ERRORS)
judge = functools.partial(
    calling.judge, nan="A logarithm of something negative? A logit is no probability."
)
normal = functools.partial(calling.normal, 4)
same = calling.same
