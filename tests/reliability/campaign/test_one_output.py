"""A network cut to what one of its outputs follows from computes that output as before."""

import pytest
import torch
from support.converted import converted
from support.many_ends import make

import spikewright as sw
from spikewright.ann import interpreter
from spikewright.ann.capture.capture import capture
from spikewright.errors import BadModel, BadSetting
from spikewright.reliability.campaign.one_output import reading


@pytest.mark.parametrize(("name", "output"), [("boxes_and_scores", "scores"), ("model_output", "logits")])
def test_the_output_alone(name: str, output: str) -> None:
    model, x = make(name)
    source = capture(model, x)
    blueprint = sw.convert(source, x, timesteps=4).blueprint
    small, cut = reading(source, None), reading(blueprint, output)
    assert torch.equal(interpreter.run(small, x), interpreter.run(source, x).tensors[output])
    assert torch.equal(sw.build(cut)(x), sw.build(blueprint)(x)[output])
    assert sw.verify(cut, small, x).proven
    assert not any("boxes" in name for name in (*small.arrays, *cut.arrays))


def test_a_weight_whose_owner_is_cut_off_is_the_nodes_own() -> None:
    class Twice(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.head = torch.nn.Linear(4, 4), torch.nn.Linear(4, 3)

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return self.head(x.relu()).mean(1, keepdim=True).unsqueeze(1), self.head(self.a(x).relu())

    x = torch.rand(5, 4)
    source = capture(Twice(), x)
    blueprint = sw.convert(source, x, timesteps=4).blueprint
    assert any(node.shares is not None for node in blueprint.plan.nodes)
    assert torch.equal(sw.build(reading(blueprint, "1"))(x), sw.build(blueprint)(x)[1])


def test_one_output_is_left_alone_and_others_are_refused() -> None:
    model, batch = make("ids_alone")
    source = capture(model, batch)
    assert reading(source, None) is source
    model, x = make("plain_dataclass")
    with pytest.raises(BadSetting, match="inject: the network has no output 'third': choose one of first, second"):
        reading(capture(model, x), "third")
    model, x = make("boxes_and_scores")
    model.give = lambda m, h, x: (m.scores(h.flatten(1)), m.scores(x.flatten(1).repeat(1, 2)[:, :144]))
    with pytest.raises(BadModel, match="one row of class scores, and outputs 0, 1 hold one: say which by output"):
        reading(capture(model, x), None)


def test_a_name_that_a_network_of_one_output_does_not_have_is_refused() -> None:
    blueprint, source, _ = converted("mlp")
    for network in (blueprint, source):
        assert reading(network, "output") is network
        with pytest.raises(BadSetting, match="inject: the network has no output 'nope': choose one of output"):
            reading(network, "nope")
