"""What do mixed timesteps with temporal averaging cost, and what lockstep without a closed form?

One run, medians of paired rounds, eager, float32, channels last: QAC with T = 2, 3, 5, 8 over the stages (closed
form of lockstep under a constant current), the same network step by step, QCFS at T = 4 (its stages run their time
loop), and the network with folded batch norm and ReLU.

    python benchmarks/mixed_timesteps.py [--threads 2] [--rounds 15] [--json FILE]
"""

import argparse
from pathlib import Path

import torch
from collapsed_engine import everything, folded_relu, measure, report, stepwise, vgg_like

from spikewright.ann.capture.capture import capture
from spikewright.conversion.methods import Method
from spikewright.conversion.methods.qac import Qac
from spikewright.conversion.methods.qcfs import Qcfs
from spikewright.conversion.observe import observe
from spikewright.engines.network import SpikingNetwork, build


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--json", type=Path)
    settings = parser.parse_args()
    torch.set_num_threads(settings.threads)
    torch.manual_seed(0)
    model = vgg_like().train()
    with torch.no_grad():
        for _ in range(3):
            model(torch.randn(64, 3, 32, 32))
    source = capture(model.eval(), torch.randn(2, 3, 32, 32))
    seen = observe(source, [torch.randn(64, 3, 32, 32)])
    x = torch.randn(settings.batch, 3, 32, 32).to(memory_format=torch.channels_last)

    def converted(method: Method) -> SpikingNetwork:
        return build(method(source, seen)).to(memory_format=torch.channels_last)

    mixed = converted(Qac(timesteps=(2, 3, 5, 8, 2, 3, 5, 8)))
    plain = converted(Qcfs(timesteps=4))
    runs = {
        "relu, eager": folded_relu(mixed).eval().to(memory_format=torch.channels_last),
        "qac mixed T, collapsed": everything(mixed),
        "qac mixed T, stepwise": stepwise(mixed),
        "qcfs T=4, collapsed": everything(plain),
        "qcfs T=4, stepwise": stepwise(plain),
    }
    report(measure(runs, x, settings.rounds), settings)


if __name__ == "__main__":
    main()
