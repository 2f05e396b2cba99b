"""The nearest way out for operations that have no spiking equivalent, by aten name; a table of words."""

_RANDOM = "random numbers in eval mode (a dropout left on?): make forward a function of its input alone"
WAYS_OUT = {
    "bernoulli": _RANDOM,
    "new_empty": "make constants outside of forward",
    "rand_like": _RANDOM,
    "randn_like": _RANDOM,
    "cond": "make the computation the same for every input",
    "log_softmax": "drop it at the output (it does not change the ranking)",
    "_log_softmax": "drop it at the output (it does not change the ranking)",
    "_native_batch_norm_legit": "use track_running_stats=True: a sample's result must not depend on its batch",
    "scaled_dot_product_attention": "attention is not converted in this version",
    "lstm": "recurrent layers are not converted in this version",
    "gru": "recurrent layers are not converted in this version",
    "embedding": "feed the embedded values as the network's input",
}
