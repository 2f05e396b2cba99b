"""Public architectures, from the packages that publish them, each with the smallest input that makes sense for it.

The packages are installed beside the project's environment, without what they depend on, and are not needed by the
library:

    pip install --no-deps --target DIR torchvision timm transformers tokenizers regex segmentation-models-pytorch

torchvision's wheels hold compiled operators for one build of torch; no network here uses one, so `reach` lets its
Python be imported without. Weights are random: what is asked is whether an architecture converts, and to what.
"""

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

SEED = 0
CLASSES = 10


@dataclass(frozen=True, slots=True)
class PublicNetwork:
    """An architecture: its name in its package, the shape of an input, and how it is made."""

    name: str
    package: str
    shape: tuple[int, ...]
    make: Callable[[], nn.Module]


def reach(folder: Path) -> None:
    """Make the packages in a folder importable, torchvision without its compiled operators."""
    sys.path.append(str(folder))
    # what registers gradients and shapes of the compiled operators, which are not there
    for part in ("_meta_registrations", "_autograd_registrations"):
        sys.modules[f"torchvision.{part}"] = ModuleType(f"torchvision.{part}")
    sys.modules["torchaudio"] = None  # pyright: ignore[reportArgumentType] - transformers asks for it, needlessly


def observed(network: nn.Module, shape: tuple[int, ...], *, batches: int = 3, size: int = 8) -> nn.Module:
    """The network in eval mode, its batch norms with the statistics of a few random batches."""
    generator = torch.Generator().manual_seed(SEED)
    norms = [part for part in network.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a mean over all batches
    if norms:
        network.train()
        with torch.no_grad():
            for _ in range(batches):
                network(torch.randn(size, *shape, generator=generator))
    return network.eval()


def images(count: int, shape: tuple[int, ...]) -> Tensor:
    """Random inputs [count, *shape], others than those that norms were observed on."""
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(SEED + 1))


def _torchvision(name: str, size: int, **settings: Any) -> PublicNetwork:
    def make() -> nn.Module:
        models = importlib.import_module("torchvision.models")
        return models.get_model(name, weights=None, num_classes=CLASSES, **settings)

    return PublicNetwork(name, "torchvision", (3, size, size), make)


def _dense(name: str, size: int) -> PublicNetwork:
    return _torchvision(name, size, weights_backbone=None)


def _timm(name: str, size: int, **settings: Any) -> PublicNetwork:
    def make() -> nn.Module:
        return importlib.import_module("timm").create_model(name, pretrained=False, num_classes=CLASSES, **settings)

    return PublicNetwork(name, "timm", (3, size, size), make)


def _transformers(name: str, size: int, **settings: Any) -> PublicNetwork:
    """A class of transformers for images, small: `settings` of its configuration."""

    def make() -> nn.Module:
        package = importlib.import_module("transformers")
        made = getattr(package, name)
        return made(made.config_class(num_labels=CLASSES, **settings))

    return PublicNetwork(name, "transformers", (3, size, size), make)


def _segmentation(name: str, size: int, encoder: str = "resnet18") -> PublicNetwork:
    def make() -> nn.Module:
        package = importlib.import_module("segmentation_models_pytorch")
        return getattr(package, name)(encoder, encoder_weights=None, classes=3)

    return PublicNetwork(f"{name}-{encoder}", "segmentation-models-pytorch", (3, size, size), make)


class _Detector(nn.Module):
    """A detector's body and heads: what is computed before boxes are chosen, which is no network."""

    def __init__(self, detector: Any) -> None:
        super().__init__()
        self.body, self.head = detector.backbone, detector.head

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return self.head(list(self.body(x).values()))


def _detector(name: str, size: int) -> PublicNetwork:
    def make() -> nn.Module:
        models = importlib.import_module("torchvision.models")
        found = models.get_model(name, weights=None, weights_backbone=None, num_classes=CLASSES)
        return _Detector(found)

    return PublicNetwork(f"{name} (body and heads)", "torchvision", (3, size, size), make)


NETWORKS: tuple[PublicNetwork, ...] = (
    # plain, small
    _torchvision("squeezenet1_1", 48),
    _torchvision("resnet18", 32),
    _torchvision("mobilenet_v2", 32),
    _torchvision("shufflenet_v2_x1_0", 48),
    _torchvision("mnasnet0_5", 32),
    _torchvision("regnet_x_400mf", 32),
    _torchvision("squeezenet1_0", 48),
    _timm("mobilenetv4_conv_small", 48),
    _timm("efficientnet_lite0", 32),
    _timm("dla34", 32),
    _timm("repvgg_a0", 32),
    _timm("mobileone_s0", 32),
    _timm("hrnet_w18_small", 32),
    _timm("selecsls42b", 32),
    _timm("fbnetc_100", 32),
    _timm("res2net50_14w_8s", 32),
    _timm("darknet17", 32),
    _timm("cspresnet50", 32),
    _transformers("ResNetForImageClassification", 48, depths=[2, 2, 2, 2], embedding_size=32,
                  hidden_sizes=[32, 64, 128, 256], layer_type="basic"),
    _transformers("MobileNetV1ForImageClassification", 32),
    _transformers("MobileNetV2ForImageClassification", 32),
    # products, gates and norms
    _torchvision("regnet_y_400mf", 32),
    _timm("seresnet18", 32),
    _timm("ese_vovnet19b_dw", 32),
    _timm("ecaresnet26t", 32),
    _timm("ghostnet_100", 48),
    _timm("skresnet18", 32),
    _timm("resnest14d", 32),
    _transformers("RegNetForImageClassification", 32, depths=[1, 2, 2, 2], embedding_size=32,
                  hidden_sizes=[32, 64, 128, 256], groups_width=16),
    # staircases, most with gates or norms
    _torchvision("mobilenet_v3_small", 48),
    _torchvision("efficientnet_b0", 32),
    _torchvision("mobilenet_v3_large", 32),
    _timm("tinynet_e", 48),
    _timm("lcnet_050", 64),
    _timm("rexnet_100", 32),
    _timm("mixnet_s", 32),
    _timm("convmixer_768_32", 14),
    _timm("resmlp_12_224", 32, img_size=32),
    _timm("mixer_s32_224", 32, img_size=32),
    _timm("convnext_atto", 32),
    _timm("poolformer_s12", 32),
    _timm("edgenext_xx_small", 32),
    _torchvision("convnext_tiny", 32),
    _timm("deit_tiny_patch16_224", 32, img_size=32),
    _transformers("ConvNextForImageClassification", 48, depths=[2, 2, 2, 2], hidden_sizes=[24, 48, 96, 192]),
    _transformers("ViTForImageClassification", 96, image_size=96, hidden_size=96, num_hidden_layers=4,
                  num_attention_heads=4, intermediate_size=192),
    _timm("swin_tiny_patch4_window7_224", 56, img_size=56),
    # dense or several outputs
    _segmentation("Unet", 32),
    _segmentation("FPN", 32),
    _segmentation("Linknet", 32),
    _dense("fcn_resnet50", 32),
    _dense("deeplabv3_resnet50", 32),
    _dense("lraspp_mobilenet_v3_large", 32),
    _detector("retinanet_resnet50_fpn", 32),
    # larger
    _torchvision("resnet50", 32),
    _torchvision("densenet121", 32),
    _torchvision("googlenet", 32, aux_logits=False, init_weights=False),
    _torchvision("resnext50_32x4d", 32),
    _timm("xception41", 32),
    _timm("dpn68", 32),
    _torchvision("inception_v3", 75, aux_logits=False, init_weights=False),
    _torchvision("wide_resnet50_2", 32),
    _torchvision("alexnet", 80),
    _torchvision("vgg11_bn", 32),
    _torchvision("vgg16", 32),
)  # fmt: skip
