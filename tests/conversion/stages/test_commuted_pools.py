"""Max pools behind affine maps of spikes, against maxima taken one by one in fractions."""

from collections.abc import Sequence
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from spikewright.ann.ops import Operation
from spikewright.ann.ops.activations import Activation, Offset
from spikewright.ann.ops.arithmetic import Scale
from spikewright.ann.ops.moves import Concat, Gather, Identity, Reshape, ZeroPad
from spikewright.ann.ops.pools import AdaptiveMaxPool, MaxPool
from spikewright.ann.source import INPUT, Source, SourceNode
from spikewright.conversion.methods.exact import Exact
from spikewright.conversion.stages import commuted_pools
from spikewright.conversion.stages.commuted_pools import commute
from spikewright.conversion.stages.draft import Draft, load
from spikewright.conversion.stages.stage import stage
from spikewright.conversion.stages.staged import Fires, FiringNode
from spikewright.engines.network import build
from spikewright.measure.equality.certificate import verify

LEVELS = 7
UNIT = Fraction(1, 4)  # all numbers below are multiples of powers of two: float64 holds them, and ties are met


class Chain:
    """A source made by hand; a node reads the one before it, if nothing else is named."""

    def __init__(self, *shape: int) -> None:
        self.nodes, self.arrays = list[SourceNode](), dict[str, Tensor]()
        self.shapes: dict[str, tuple[int, ...]] = {INPUT: shape}

    def add(self, name: str, op: Operation, *reads: str, **arrays: Tensor) -> str:
        reads = reads or (self.nodes[-1].name if self.nodes else INPUT,)
        made = self.shapes[reads[0]]
        if op.in_plan:
            made = tuple(op([torch.zeros(1, *self.shapes[read]) for read in reads], arrays.get("weight")).shape[1:])
        self.arrays |= {f"{name}.{role}": array for role, array in arrays.items()}
        named = tuple((role, f"{name}.{role}") for role in arrays)
        self.nodes.append(SourceNode(name=name, op=op, inputs=reads, shape=made, arrays=named))
        self.shapes[name] = made
        return name

    def fire(self, name: str = "act", *reads: str) -> str:
        return self.add(name, Activation(levels=LEVELS), *reads, threshold=torch.tensor(float(LEVELS * UNIT)))

    def source(self) -> Source:
        return Source.of(self.shapes[INPUT], tuple(self.nodes), self.arrays)


def _pool(kernel: int, stride: int, padding: int, dilation: int = 1, *, axes: int = 1) -> MaxPool:
    return MaxPool(
        kernel=(kernel,) * axes, stride=(stride,) * axes, padding=(padding,) * axes, dilation=(dilation,) * axes
    )


def _column(values: Sequence[Fraction]) -> Tensor:
    return torch.tensor([float(value) for value in values]).unsqueeze(1)


def _fired(value: Fraction) -> Fraction:
    return UNIT * min(max((value / UNIT + Fraction(1, 2)).__floor__(), 0), LEVELS)


def _maxima(line: Sequence[Fraction], kernel: int, stride: int, padding: int, dilation: int) -> list[Fraction]:
    count = (len(line) + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    windows = [[o * stride - padding + k * dilation for k in range(kernel)] for o in range(count)]
    return [max(line[place] for place in window if 0 <= place < len(line)) for window in windows]


eighths = st.integers(-14, 14).map(lambda value: Fraction(value, 8))
quarters = st.sampled_from([Fraction(value, 4) for value in (-8, -4, -2, -1, 0, 1, 3, 4)])
windows = st.sampled_from([(2, 2, 0, 1), (3, 2, 1, 1), (3, 1, 1, 1), (2, 1, 1, 1), (2, 1, 0, 2)])


@given(st.data())
def test_pools_in_a_row_behind_maps_are_the_maxima_of_fractions(data: st.DataObject) -> None:
    channels, length = data.draw(st.integers(1, 3)), data.draw(st.integers(6, 8))
    plane = [[data.draw(eighths) for _ in range(length)] for _ in range(channels)]
    chain = Chain(channels, length)
    chain.fire()
    wanted = [[_fired(value) for value in line] for line in plane]
    for index in range(data.draw(st.integers(1, 2))):
        gain, offset = ([data.draw(kind) for _ in range(channels)] for kind in (quarters, eighths))
        window = data.draw(windows)
        chain.add(f"gain{index}", Scale(), weight=_column(gain))
        chain.add(f"offset{index}", Offset(), offset=_column(offset))
        chain.add(f"pool{index}", _pool(*window))
        mapped = [[g * v + b for v in line] for g, b, line in zip(gain, offset, wanted, strict=True)]
        wanted = [_maxima(line, *window) for line in mapped]
    chain.add("last", Scale(), weight=torch.ones(()))
    source, x = chain.source(), torch.stack([_column(line).squeeze(1) for line in plane]).double().unsqueeze(0)
    blueprint = Exact(timesteps=3)(source, None)
    network = build(blueprint, dtype=torch.float64)
    for run in (network.walk, network.collapse):
        assert list(run(x))[-1].codes[0].tolist() == [[float(value) for value in line] for line in wanted]
    assert verify(blueprint, source, [x]).equal
    assert len(blueprint.plan.stages) == 1, "one stage, behind both pools"


def _stages(source: Source) -> list[FiringNode]:
    return [node for node in stage(source) if isinstance(node, FiringNode)]


def _kinds(node: FiringNode) -> list[str]:
    return [op.kind for op, _, _ in node.fires.before]


def _behind(gain: Tensor, pool: Operation | None = None) -> Source:
    chain = Chain(2, 6)
    chain.fire()
    chain.add("gain", Scale(), weight=gain)
    chain.add("pool", pool or _pool(2, 2, 0))
    return chain.source()


def test_signs_stand_before_firing_only_where_a_gain_is_negative() -> None:
    positive, mixed = (_stages(_behind(torch.tensor([[2.0], [other]])))[0] for other in (0.0, -0.5))
    assert (_kinds(positive), positive.fires.beyond, positive.fires.carries) == (["max_pool"], 1, "act")
    assert (_kinds(mixed), mixed.fires.beyond, mixed.fires.carries) == (["scale", "max_pool", "scale"], 3, "act")
    for _, sign, bias in (mixed.fires.before[0], mixed.fires.before[2]):
        assert sign is not None and bias is not None
        assert sign.tolist() == [[1.0], [-1.0]] and not bool(bias.any())


def test_signs_between_two_pools_are_one_or_none() -> None:
    chain = Chain(2, 6)
    chain.fire()
    for index, gain in enumerate(([[-1.0], [1.0]], [[2.0], [3.0]], [[-1.0], [-1.0]])):
        chain.add(f"gain{index}", Scale(), weight=torch.tensor(gain))
        chain.add(f"pool{index}", _pool(2, 1, 0))
    (fired,) = _stages(chain.source())
    steps = [op.kind if sign is None else sign.flatten().tolist() for op, sign, _ in fired.fires.before]
    assert steps == [[-1, 1], "max_pool", "max_pool", [-1, -1], "max_pool", [1, -1]]
    assert fired.fires.beyond == len(steps)


def test_a_pool_behind_an_identity_is_a_pool_of_the_activation() -> None:
    chain = Chain(2, 6)
    chain.fire()
    chain.add("dropout", Identity())
    chain.add("pool", _pool(2, 2, 0))
    (fired,) = _stages(chain.source())
    assert (fired.fires.carries, fired.fires.beyond, _kinds(fired)) == ("pool", 0, ["max_pool"])


def test_other_readers_have_stages_of_their_own() -> None:
    chain = Chain(2, 6)
    chain.fire()
    chain.add("gain", Scale(), weight=torch.tensor([[-1.0], [2.0]]))
    pooled = chain.add("pool", _pool(3, 1, 1))
    chain.add("sum", Concat(dim=1), "gain", pooled, "act")
    source = chain.source()
    assert sorted((node.fires.beyond, node.shape) for node in _stages(source)) == [(0, (2, 6)), (3, (2, 6))]
    x = torch.randn(3, 2, 6, generator=torch.Generator().manual_seed(0))
    assert verify(Exact(timesteps=3)(source, None), source, [x]).proven


def test_branches_of_a_concatenation_fire_on_their_own() -> None:
    chain = Chain(2, 6)
    one, other = chain.fire("one", INPUT), chain.fire("other", INPUT)
    turned = chain.add("turned", Scale(), other, weight=torch.tensor([[-1.0], [0.5]]))
    inner = chain.add("inner", Concat(dim=1), turned, one)
    chain.add("all", Concat(dim=1), one, inner)
    chain.add("offset", Offset(), offset=torch.arange(6.0).unsqueeze(1))
    chain.add("pool", _pool(2, 2, 0))
    source = chain.source()
    fired = _stages(source)
    assert sorted((node.fires.carries, node.fires.beyond, node.shape) for node in fired) == [
        ("one", 1, (2, 3)),
        ("one", 1, (2, 3)),
        ("other", 3, (2, 3)),
    ]
    x = torch.randn(3, 2, 6, generator=torch.Generator().manual_seed(0))
    assert verify(Exact(timesteps=3)(source, None), source, [x]).proven


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("adaptive", [False, True])
def test_windows_over_any_number_of_axes(axes: int, adaptive: bool) -> None:
    chain = Chain(3, *(4,) * axes)
    chain.fire()
    gain = torch.tensor([-1.0, 0.0, 1.5]).reshape(3, *(1,) * axes)
    chain.add("gain", Scale(), weight=gain)
    chain.add("pool", AdaptiveMaxPool(size=(1,) * axes) if adaptive else _pool(3, 2, 1, axes=axes))
    source = chain.source()
    x = torch.randn(4, 3, *(4,) * axes, generator=torch.Generator().manual_seed(1))
    certificate = verify(Exact(timesteps=3)(source, None), source, [x])
    assert certificate.proven and certificate.output_error < 1e-12


def _draft(source: Source) -> tuple[Draft, dict[str, tuple[str, Fires]]]:
    return load(source, {}), {"act": (INPUT, Fires("act", "act"))}


def _stays_as_it_is(source: Source) -> bool:
    draft, found = _draft(source)
    before = (dict(draft.op), dict(draft.inputs), dict(found))
    commute(draft, "pool", found)
    return before == (draft.op, draft.inputs, found)


def test_a_gain_that_differs_within_a_window_is_left_alone() -> None:
    assert not _stays_as_it_is(_behind(torch.tensor([[1.0], [2.0]])))
    assert _stays_as_it_is(_behind(torch.linspace(1, 2, 6).unsqueeze(0)))
    assert _stays_as_it_is(_behind(torch.tensor([[1.0], [2.0]]), _pool(2, 2, 0, axes=2))), "a window over both axes"
    chain = Chain(2, 6)
    chain.fire()
    chain.add("offset", Offset(), offset=torch.linspace(0, 1, 6))
    chain.add("pool", _pool(2, 2, 0))
    assert _stays_as_it_is(chain.source()), "an offset likewise"


def test_what_is_no_map_of_spikes_is_left_alone() -> None:
    chain = Chain(2, 6)
    act = chain.fire()
    chain.add("mixed", Concat(dim=1), act, INPUT)
    chain.add("pool", _pool(2, 2, 0))
    assert _stays_as_it_is(chain.source())


def _moved(*moves: Operation) -> Source:
    chain = Chain(2, 6)
    chain.fire()
    for index, move in enumerate(moves):
        chain.add(f"move{index}", move)
    chain.add("gain", Scale(), weight=torch.tensor([[-1.0], [2.0]]))
    chain.add("pool", _pool(2, 2, 0))
    return chain.source()


def test_moves_within_channels_go_along() -> None:
    source = _moved(ZeroPad(pads=(1, 1)), Gather(dim=2, index=(7, 0, 1, 2, 2, 5)))
    (fired,) = _stages(source)
    assert _kinds(fired) == ["zero_pad", "gather", "scale", "max_pool", "scale"]
    x = torch.randn(4, 2, 6, generator=torch.Generator().manual_seed(1))
    assert verify(Exact(timesteps=3)(source, None), source, [x]).proven
    assert _stays_as_it_is(_moved(Gather(dim=1, index=(1, 0)))), "thresholds may differ between channels"
    assert _stays_as_it_is(_moved(ZeroPad(pads=(0, 0, 1, 0)), Gather(dim=1, index=(0, 1))))
    chain = Chain(2, 6)
    chain.fire()
    chain.add("wider", Reshape(shape=(2, 2, 3)))
    chain.add("pool", _pool(2, 2, 0, axes=2))
    assert _stays_as_it_is(chain.source()), "thresholds are laid out as the activation is"


def test_padding_does_not_go_before_an_activation_that_is_not_zero_at_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    padded, copied = _moved(ZeroPad(pads=(1, 1))), _moved(Gather(dim=2, index=(1, 0)))
    assert not _stays_as_it_is(padded)
    monkeypatch.setattr(commuted_pools, "as_trained", lambda node, z, roles: z + 1)
    assert _stays_as_it_is(padded)
    assert not _stays_as_it_is(copied)


def test_padding_behind_a_map_is_left_alone() -> None:
    chain = Chain(2, 6)
    chain.fire()
    chain.add("gain", Scale(), weight=torch.tensor([[-1.0], [2.0]]))
    chain.add("padded", ZeroPad(pads=(1, 1)))
    chain.add("pool", _pool(2, 2, 0))
    assert _stays_as_it_is(chain.source())
