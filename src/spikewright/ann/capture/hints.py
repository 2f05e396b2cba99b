"""What stands in the way of operations that are not converted, and the nearest way out, by aten name: a table of words.

A way out keeps the function; where it does not, it says "and fine-tune".
"""

from typing import NamedTuple


class Hint(NamedTuple):
    """Why an operation is not converted, and what to do."""

    why: str
    way_out: str


_RANDOM = Hint("its result is random in eval mode", "make forward a function of its input alone (a dropout left on?)")
_CHOICE = Hint(
    "its result is a choice, which jumps where the values that it reads hardly differ",
    "return what it reads, and choose from the network's outputs",
)
_COMPARISON = Hint(
    "its result is a truth value, which jumps where the values that it compares hardly differ",
    "write what it is for with relu, clamp, maximum or minimum where that is the same, else replace it and fine-tune",
)
_RECURRENT = Hint(
    "it carries a state from one place to the next, and is not converted in this version",
    "convert what is before and behind it, or replace it by convolutions and fine-tune",
)
_LOOK_UP = Hint("it looks up a table by whole numbers", "look up outside, and feed what is found as the input")
_PLACES = Hint(
    "it takes or writes values at places that are worked out while the network runs",
    "use constant places, or do it outside of the network",
)
_LOGARITHM = Hint("it is left out over classes at the very end alone", "drop it there (it does not change the ranking)")
OTHER = Hint(
    "none of the operations that spikes, or numbers between them, compute here",
    "write it by operations that docs/supported.md lists, where they compute the same; else replace it and fine-tune",
)

HINTS: dict[str, Hint] = {
    **dict.fromkeys(("bernoulli", "rand", "randn", "randint", "rand_like", "randn_like", "randint_like"), _RANDOM),
    **dict.fromkeys(("multinomial", "normal", "poisson"), _RANDOM),
    **dict.fromkeys(("argmax", "argmin", "argsort", "sort", "topk", "max", "min", "median", "mode"), _CHOICE),
    **dict.fromkeys(("gt", "lt", "ge", "le", "eq", "ne", "where", "sign", "heaviside"), _COMPARISON),
    **dict.fromkeys(("logical_and", "logical_or", "logical_not", "isnan", "isinf"), _COMPARISON),
    **dict.fromkeys(("lstm", "gru", "rnn_tanh", "rnn_relu"), _RECURRENT),
    **dict.fromkeys(("embedding", "embedding_bag"), _LOOK_UP),
    **dict.fromkeys(("index", "index_put", "gather", "scatter", "scatter_add", "nonzero", "masked_select"), _PLACES),
    **dict.fromkeys(("grid_sampler", "grid_sampler_2d", "grid_sampler_3d"), _PLACES),
    **dict.fromkeys(("torchvision::nms", "torchvision::roi_align", "torchvision::deform_conv2d"), _PLACES),
    **dict.fromkeys(("log_softmax", "_log_softmax"), _LOGARITHM),
    "new_empty": Hint("it makes a constant while the network runs", "make constants outside of forward"),
    "cond": Hint("which part is computed depends on the data", "compute the same for every input, and fine-tune"),
}
