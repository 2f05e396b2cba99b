"""The fused scan against stepping the law in PyTorch: the same spikes, the same gradients, any layout."""

from collections.abc import Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from spikewright.engines.scan import fused as fused_scan
from spikewright.engines.scan.fused import fits, fused
from spikewright.engines.scan.scan import stepped
from spikewright.snn.formats.membrane import MembraneFormat
from spikewright.snn.neurons.leaky import Leaky, Reset
from spikewright.snn.surrogate import SHAPES, Arctangent, Shape, shape_named

RESETS: tuple[Reset, ...] = ("soft", "hard", "delayed")


def both(
    currents: Tensor,
    outer: Tensor,
    law: Leaky,
    *,
    threshold: float = 0.8,
    shape: Shape | None = None,
    detached: bool = False,
    learned: bool = False,
) -> Tensor:
    """The fused form's spikes, after everything has been compared with the stepped form's."""
    found = []
    for form in (stepped, fused):
        mine = currents.detach().clone(memory_format=torch.preserve_format).requires_grad_()
        leak = torch.tensor(0.87, requires_grad=True) if learned else None
        spikes, peak = form(
            mine,
            law=law,
            threshold=threshold,
            leak=leak,
            shape=shape or Arctangent(),
            detach_reset=detached,
            timesteps=len(outer),
        )
        slopes = torch.autograd.grad(spikes, [mine] if leak is None else [mine, leak], outer)
        found.append((spikes.detach(), peak, *slopes))
    reference, ours = found
    assert torch.equal(ours[0], reference[0])
    assert torch.equal(ours[1], reference[1])
    size = float(reference[2].abs().max())
    assert float((ours[2] - reference[2]).abs().max()) <= 1e-6 * size
    if learned:
        terms = float(reference[2].abs().sum())  # what the leak's gradient adds up, and may cancel
        assert abs(float(ours[3] - reference[3])) <= 1e-6 * terms * max(1, float(ours[1]))
    return ours[0]


@given(
    seed=st.integers(0, 2**32 - 1),
    timesteps=st.integers(1, 9),
    size=st.sampled_from([(1,), (3, 5), (2, 3, 4, 5), (1, 2049), (5, 33, 25)]),
    leak=st.floats(0, 1, width=32),
    reset=st.sampled_from(RESETS),
    bits=st.sampled_from([None, 2, 3, 5, 8, 16]),
    scale=st.floats(0.25, 4, width=32),
    name=st.sampled_from([*SHAPES]),
    width=st.sampled_from([0.25, 1.0, 2.0]),
    threshold=st.floats(0.25, 4, width=32),
    detached=st.booleans(),
    learned=st.booleans(),
    constant=st.booleans(),
    ties=st.booleans(),
)
def test_equals_stepping(
    seed: int,
    timesteps: int,
    size: tuple[int, ...],
    leak: float,
    reset: Reset,
    bits: int | None,
    scale: float,
    name: str,
    width: float,
    threshold: float,
    detached: bool,
    learned: bool,
    constant: bool,
    ties: bool,
) -> None:
    generator = torch.Generator().manual_seed(seed)
    currents = (torch.randn(1 if constant else timesteps, *size, generator=generator) * 0.7 + 0.2) * threshold
    if ties:
        currents = (currents / threshold * 4).round() * threshold / 4
    both(
        currents,
        torch.randn(timesteps, *size, generator=generator),
        Leaky(leak=leak, reset=reset, membrane=None if bits is None else MembraneFormat(bits=bits, scale=scale)),
        threshold=threshold,
        shape=shape_named(name, width),
        detached=detached,
        learned=learned,
    )


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("bits", [None, 2])
def test_a_million_membranes_have_the_same_spikes(reset: Reset, bits: int | None) -> None:
    """Nothing is contracted or reordered: any difference would show in some of as many."""
    generator = torch.Generator().manual_seed(0)
    currents = torch.randn(16, 64, 1024, generator=generator) * 0.7 + 0.2
    law = Leaky(leak=0.9, reset=reset, membrane=None if bits is None else MembraneFormat(bits=bits, scale=1.3))
    with torch.no_grad():
        given = {"law": law, "threshold": 0.7, "leak": None, "shape": Arctangent(), "timesteps": 16}
        ours, peak = fused(currents, detach_reset=False, **given)
        reference, reference_peak = stepped(currents, detach_reset=False, **given)
    assert torch.equal(ours, reference)
    assert torch.equal(peak, reference_peak)


@pytest.mark.parametrize("reset", RESETS)
def test_constant_currents_equal_expanded_ones(reset: Reset) -> None:
    generator = torch.Generator().manual_seed(0)
    current, outer = torch.randn(1, 6, 50, generator=generator), torch.randn(7, 6, 50, generator=generator)
    found = []
    for repeated in (False, True):
        mine = current.clone().requires_grad_()
        leak = torch.tensor(0.9, requires_grad=True)
        spikes, peak = fused(
            mine.expand(7, -1, -1) if repeated else mine,
            law=Leaky(reset=reset, membrane=MembraneFormat(bits=5, scale=2.0)),
            threshold=1.0,
            leak=leak,
            shape=Arctangent(),
            detach_reset=False,
            timesteps=7,
        )
        found.append((spikes.detach(), peak, *torch.autograd.grad(spikes, [mine, leak], outer)))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])
    assert found[0][2].shape == current.shape
    assert torch.allclose(found[0][2], found[1][2], rtol=1e-5, atol=1e-6)
    assert torch.allclose(found[0][3], found[1][3], rtol=1e-5)


def folded(timesteps: int) -> Tensor:
    """[T, N, C, H, W] as a channels-last convolution over T · N images leaves it."""
    images = torch.randn(timesteps * 3, 4, 5, 6, generator=torch.Generator().manual_seed(timesteps))
    return images.contiguous(memory_format=torch.channels_last).unflatten(0, (timesteps, 3))


@pytest.mark.parametrize("timesteps", [1, 4])
def test_dense_layouts_are_kept_and_not_copied(timesteps: int) -> None:
    for currents in (folded(timesteps), folded(timesteps).transpose(1, 3), torch.randn(timesteps, 3, 1, 5)):
        assert fused_scan._dense(currents)[0] is currents
        outer = torch.empty_like(currents).normal_(generator=torch.Generator().manual_seed(9))
        spikes = both(currents, outer, Leaky(leak=0.9))
        assert spikes.stride() == currents.stride()
        assert torch.equal(
            spikes.contiguous(), both(currents.contiguous(), outer.contiguous(), Leaky(leak=0.9)).contiguous()
        )


def test_gradients_in_another_layout_are_put_in_order() -> None:
    currents = folded(4)
    outer = torch.randn(4, 3, 4, 5, 6, generator=torch.Generator().manual_seed(1))
    assert outer.stride() != currents.stride()
    both(currents, outer, Leaky(leak=0.9, reset="hard"))
    both(currents[:1].detach(), outer, Leaky(leak=0.9, reset="hard"))


@pytest.mark.parametrize("reset", RESETS)
def test_gradients_the_same_at_every_step_are_not_written_out(reset: Reset) -> None:
    """What the sum over time passes down."""
    currents = folded(4)
    both(currents, torch.randn(3, 4, 5, 6).expand(4, -1, -1, -1, -1), Leaky(leak=0.9, reset=reset))
    last = torch.empty_like(currents[:1]).normal_(generator=torch.Generator().manual_seed(2))
    both(currents, last.expand(4, -1, -1, -1, -1), Leaky(leak=0.9, reset=reset))
    both(currents[:1], last.expand(4, -1, -1, -1, -1), Leaky(leak=0.9, reset=reset))


def test_layouts_with_gaps_serve_too() -> None:
    generator = torch.Generator().manual_seed(0)
    wide = torch.randn(6, 8, 10, generator=generator)
    for currents in (wide[:, :, ::2], wide[::2], wide.transpose(0, 1), wide[:, 2:5], wide[:1].expand(6, -1, -1)):
        both(currents, torch.randn(currents.shape, generator=generator), Leaky(leak=0.9), learned=True)
    assert torch.equal(wide, torch.randn(6, 8, 10, generator=torch.Generator().manual_seed(0)))


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_results_do_not_depend_on_the_number_of_threads(two_threads: None) -> None:
    generator = torch.Generator().manual_seed(0)
    currents, outer = torch.randn(2, 8, 50, 999, generator=generator)
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        mine, leak = currents.clone().requires_grad_(), torch.tensor(0.9, requires_grad=True)
        spikes, peak = fused(
            mine,
            law=Leaky(reset="hard"),
            threshold=1.0,
            leak=leak,
            shape=Arctangent(),
            detach_reset=False,
            timesteps=8,
        )
        found.append((spikes.detach(), peak, *torch.autograd.grad(spikes, [mine, leak], outer)))
    assert all(torch.equal(one, two) for one, two in zip(*found, strict=True))


def test_work_is_shared_when_there_is_enough_of_it(two_threads: None) -> None:
    def parts(neurons: int, timesteps: int) -> list[tuple[int, int, int]]:
        return fused_scan._share(neurons, timesteps, lambda *part: part)

    assert parts(2**20, 10) == [(2048, 0, 256), (2048, 256, 512)]
    assert parts(2**13, 10) == [(2048, 0, 4)]
    torch.set_num_threads(1)
    assert parts(2**20, 10) == [(2048, 0, 512)]
    assert parts(100, 2000)[0] == (64, 0, 2)


def test_only_currents_are_kept_for_backward() -> None:
    saved: list[Tensor] = []
    currents = torch.randn(1, 4, 5, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: saved.append(tensor) or tensor, lambda tensor: tensor):
        fused(
            currents,
            law=Leaky(),
            threshold=1.0,
            leak=None,
            shape=Arctangent(),
            detach_reset=False,
            timesteps=50,
        )
    assert [tensor.data_ptr() for tensor in saved] == [currents.data_ptr()]


def test_what_it_does_not_know() -> None:
    class Flat:
        kind, width = "arctangent", 1.0

        def slope(self, distance: Tensor) -> Tensor:
            return torch.ones_like(distance)

    currents, shape = torch.zeros(2, 3, 4), Arctangent()
    assert fits(currents, Leaky(), shape)
    assert fits(currents, Leaky(membrane=MembraneFormat(bits=2, scale=1.0)), shape)
    assert not fits(currents, Leaky(membrane=MembraneFormat(bits=2, scale=1.0, squash=True)), shape)
    assert not fits(currents, Leaky(), Flat())
    for other in (currents.double(), currents.half(), currents.to("meta"), currents[:, :0]):
        assert not fits(other, Leaky(), shape)
