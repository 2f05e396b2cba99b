"""`timm:NAME`: a network of PyTorch Image Models, never with weights that it would download.

Its head has the classes of the file of weights, where one is given and has that head; else those of the data.
"""

import difflib
from collections.abc import Mapping
from typing import Any

from torch import nn

from spikewright.errors import BadModel
from spikewright.models.packages import Sizes, imported, one_line, rows_of


class Timm:
    """PyTorch Image Models, https://github.com/huggingface/pytorch-image-models."""

    def require(self, name: str) -> None:
        """Refuse a name that timm does not list; names of a hub are none.

        Raises:
            BadModel: it does not, or timm is not installed.
        """
        timm = imported("timm", f"timm:{name}")
        if not name or ":" in name or not timm.is_model(name):
            near = difflib.get_close_matches(name, timm.list_models(), n=1)
            hint = f"did you mean 'timm:{near[0]}'? " if near else ""
            raise BadModel(f"model 'timm:{name}' is not known: {hint}timm.list_models() has the names there are")

    def has_weights(self, name: str) -> bool:  # noqa: ARG002 - none is downloaded
        """Never."""
        return False

    def build(self, name: str, sizes: Sizes, arrays: Mapping[str, Any]) -> nn.Module:
        """The network for images of these channels, of this size where it is made for one.

        Raises:
            BadModel: timm cannot make it.
        """
        timm = imported("timm", f"timm:{name}")
        known = timm.get_pretrained_cfg(name)
        head = known.classifier if known is not None and isinstance(known.classifier, str) else ""
        settings: dict[str, Any] = {"in_chans": sizes.channels}
        classes = rows_of(arrays, head) or sizes.classes
        if classes is not None:
            settings["num_classes"] = classes
        if known is not None and known.fixed_input_size:
            settings["img_size"] = sizes.size
        try:
            return timm.create_model(name, pretrained=False, **settings)
        except Exception as error:
            given = ", ".join(f"{key}={value}" for key, value in settings.items())
            raise BadModel(f"model 'timm:{name}': timm cannot make it with {given}: {one_line(error)}") from error
