"""Campaigns against loops over whole networks; whatever way they are run and resumed, the record is the same."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.campaign_networks import MIXED, RATE, digits, direct, exact, ordinary
from support.slow_campaign import Slow

from reliability.faults.test_faults import KINDS, make
from spikewright.ann.source import Source
from spikewright.errors import BadData, BadFile, BadModel, BadSetting
from spikewright.measure.samples import Prepared
from spikewright.measure.statistics.looks import enough
from spikewright.reliability.campaign.inject import inject
from spikewright.reliability.campaign.outcomes import Outcome
from spikewright.reliability.campaign.record import Record
from spikewright.reliability.campaign.settings import Injection, InjectSettings
from spikewright.reliability.faults import Fault, Patch
from spikewright.reliability.faults.bit_flip import BitFlip
from spikewright.reliability.faults.dead_neuron import DeadNeuron
from spikewright.reliability.injectable.propagate import Shortcuts
from spikewright.reliability.workers.pool import Workers
from spikewright.snn.blueprint import Blueprint

NONE = Shortcuts(prefix=False, sparse=False, channels=False, rows=False)
STACKED = Shortcuts(stack=4)
EVERY_WAY = list(product((1, 7, 250), (Shortcuts(), NONE, STACKED)))
# Each size of a batch and each of the shortcuts, beside all images at once with all shortcuts
SOME_WAYS = [(1, Shortcuts()), (7, NONE), (7, STACKED), (250, STACKED)]
Network = tuple[Blueprint | Source, Prepared]


def settings(fault: Fault | None = None, **more: Any) -> InjectSettings:
    return InjectSettings(**{"fault": fault or BitFlip(ber=0.02), "maps": 3, **more})


def outcomes(found: Injection, row: int = 0) -> list[Outcome]:
    """What each map did."""
    stored = found.rows[row]
    right = [round(share * found.images) for share in stored.accuracies]
    columns = (stored.hits, right, stored.masked, stored.critical, stored.harmful, stored.healed, stored.due)
    return [Outcome(*(int(value) for value in each)) for each in zip(*columns, strict=True)]


# Against loops -------------------------------------------------------------------------------------------------

NETWORKS: dict[str, Callable[[], Network]] = {
    "rate coded": lambda: direct("mlp", RATE),
    "1 and 4 bits, spiking read-out": lambda: direct("conv_bn_relu", MIXED),
    "converted": lambda: exact("conv_bn_relu"),
    "ordinary": lambda: ordinary("conv_bn_relu"),
}


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(("kind", "given"), KINDS)
def test_every_kind_of_fault_is_what_the_loop_says(
    kind: str, given: dict[str, str], network: str, request: pytest.FixtureRequest
) -> None:
    fault, (target, images) = make(kind, given), NETWORKS[network]()
    if isinstance(target, Source) and not fault.ordinary:
        with pytest.raises(BadSetting, match=f"fault '{kind}' is one of spiking neurons, and it has none: strike a"):
            inject(target, images, settings(fault))
        return
    if kind == "leak" and network == "converted":
        with pytest.raises(BadSetting, match="leak: the neurons of stage '0' have law 'integrate_fire' and no leak"):
            inject(target, images, settings(fault))
        return
    slow = Slow(target, images.inputs, images.labels, settings().format)
    expected = slow.outcomes(fault, 3, seed=5)
    found = inject(target, images, settings(fault, seed=5))
    golden = slow.outcome(BitFlip(ber=0.0), 0, "model", 0)
    assert found.accuracy_golden == golden.right / 20
    assert found.images == 20 and golden.masked == 20
    assert outcomes(found) == expected
    assert any(each.masked < 20 for each in expected), "a fault that does nothing shows nothing"
    for size, shortcuts in EVERY_WAY if request.config.getoption("--all") else SOME_WAYS:
        other = inject(target, images, settings(fault, seed=5, batch_size=size, shortcuts=shortcuts))
        assert other.to_json() == found.to_json(), (size, shortcuts)


@pytest.mark.parametrize("kind", ["source", "exact", "rate"])
@pytest.mark.parametrize("fault", [BitFlip(ber=1e-3), BitFlip(ber=0.05), DeadNeuron(rate=0.1)], ids=str)
def test_digits(kind: str, fault: Fault) -> None:
    network, images = digits(kind)
    slow = Slow(network, images.inputs, images.labels, settings().format)
    expected = slow.outcomes(fault, 4, seed=1)
    found = inject(network, images, settings(fault, maps=4, seed=1))
    assert found.accuracy_golden > 0.6
    assert outcomes(found) == expected
    assert found.to_json() == inject(network, images, settings(fault, maps=4, seed=1, batch_size=33)).to_json()


@pytest.mark.parametrize("scope", ["layer", "bit", "cell", "channel"])
@pytest.mark.parametrize("network", ["1 and 4 bits, spiking read-out", "ordinary"])
def test_every_part_is_struck_alone(scope: str, network: str) -> None:
    target, images = NETWORKS[network]()
    slow = Slow(target, images.inputs, images.labels, settings().format)
    found = inject(target, images, settings(BitFlip(ber=0.1), scope=scope, maps=2))
    assert sum(row.bits for row in found.rows) == found.bits_total == slow.sites.bits
    sizes = {memory.name: memory for memory in slow.sites.memories}
    assert found.weight_bits == max(memory.bits for memory in sizes.values())
    for index, row in enumerate(found.rows):
        parts = dict(part.split(":") for part in row.stratum.split("/") if ":" in part)
        sites = slow.sites
        if "layer" in parts:
            sites = replace(sites, memories=(sizes[parts["layer"]],))
        if "bit" in parts:
            bit = int(parts["bit"])
            cut = (replace(each, positions=tuple(p for p in each.positions if p == bit)) for each in sites.memories)
            sites = replace(sites, memories=tuple(each for each in cut if each.positions))
        if "channel" in parts:
            name, channel = row.stratum.removeprefix("channel:").split("/")
            memory = sizes[name]
            each = memory.count // memory.bits // _channels(found, name)
            places = np.arange(int(channel) * each, (int(channel) + 1) * each)
            sites = replace(sites, memories=(replace(memory, places=places),))
        expected = [slow.outcome(BitFlip(ber=0.1), 0, row.stratum, number, sites) for number in range(2)]
        assert outcomes(found, index) == expected
        assert row.bits == sites.bits


def _channels(found: Injection, name: str) -> int:
    return sum(row.stratum.startswith(f"channel:{name}/") for row in found.rows)


def test_images_whose_output_says_nothing() -> None:
    """Two images are blank: rate coded, without biases, nothing comes out, and all classes share the best."""
    network, images = direct("mlp", replace(RATE, biases=False))
    inputs = images.inputs.clone()
    inputs[[3, 7]] = 0.0
    found = inject(network, Prepared(inputs, images.labels), settings())
    scores = Slow(network, inputs, images.labels, settings().format).scores(Patch()).tolist()
    assert found.silent == sum(not any(row) for row in scores) >= 2
    assert found.ties == sum(row.count(max(row)) > 1 for row in scores) >= 2


def test_neither_network_nor_images_are_changed() -> None:
    for network, images in (exact("mlp"), ordinary("mlp")):
        arrays = {name: array.clone() for name, array in network.arrays.items()}
        inputs = images.inputs.clone()
        inject(network, images, settings(BitFlip(ber=0.3)))
        inject(network, images, settings(make("pixels", {"noise": "0.1"})))
        assert torch.equal(images.inputs, inputs)
        assert all(torch.equal(network.arrays[name], array) for name, array in arrays.items())


# Records -------------------------------------------------------------------------------------------------------


def lines(path: Path) -> list[bytes]:
    return sorted(path.read_bytes().splitlines())


@pytest.mark.parametrize("network", ["rate coded", "ordinary"])
def test_whoever_did_the_work_the_record_is_the_same(network: str, tmp_path: Path) -> None:
    target, images = NETWORKS[network]()
    plain = settings(scope="layer", maps=9)
    found = inject(target, images, plain, record=tmp_path / "one")
    for number, more in enumerate(
        [
            {"workers": Workers(count=2)},
            {"batch_size": 3},
            {"shortcuts": NONE},
            {"batch_size": 1},
            {"shortcuts": STACKED},
        ]
    ):
        path = tmp_path / f"other{number}"
        other = inject(target, images, replace(plain, **more), record=path)
        assert lines(path) == lines(tmp_path / "one")
        assert other.to_json() == found.to_json()
    assert len(lines(tmp_path / "one")) == 1 + 9 * len(found.rows)


class Stopped(Exception):
    """What stops a campaign."""


def test_a_campaign_that_was_stopped_goes_on(tmp_path: Path) -> None:
    network, images = direct("mlp", RATE)
    plain, path = settings(scope="layer", maps=10), tmp_path / "record"
    found = inject(network, images, plain, record=tmp_path / "whole")
    seen: list[tuple[int, int]] = []

    def stop_after(count: int) -> Callable[..., None]:
        def reported(what: str, done: int, of: int, note: str = "") -> None:
            seen.append((done, of))
            if len(seen) >= count:
                raise Stopped

        return reported

    for count in (1, 3, 2):
        seen.clear()
        with pytest.raises(Stopped):
            inject(network, images, plain, record=path, on_progress=stop_after(count))
    saved = len(lines(path)) - 1
    assert 0 < saved < 30
    seen.clear()
    assert inject(network, images, plain, record=path, on_progress=stop_after(999)).to_json() == found.to_json()
    assert seen[0] == (saved, 30) and seen[-1] == (30, 30)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert lines(path) == lines(tmp_path / "whole")
    # all is known: nothing is run, nothing written
    before = path.read_bytes()
    seen.clear()
    assert inject(network, images, plain, record=path, on_progress=stop_after(999)).to_json() == found.to_json()
    assert seen == [(30, 30)] and path.read_bytes() == before


def test_more_maps_and_finer_parts_go_on_from_the_same_record(tmp_path: Path) -> None:
    network, images = exact("mlp")
    path = tmp_path / "record"
    inject(network, images, settings(maps=2), record=path)
    inject(network, images, settings(maps=2, scope="layer"), record=path)
    more = inject(network, images, settings(maps=5), record=path)
    assert more.to_json() == inject(network, images, settings(maps=5)).to_json()
    numbers = [(line["stratum"], line["map"]) for line in map(json.loads, path.read_text().splitlines()[1:])]
    assert len(numbers) == len(set(numbers)) == 5 + 3 * 2
    # fewer maps are the first ones, whatever else is known
    fewer = inject(network, images, settings(maps=3), record=path)
    assert fewer.rows[0].accuracies.tolist() == more.rows[0].accuracies[:3].tolist()


def test_several_campaigns_in_one_open_record(tmp_path: Path) -> None:
    from spikewright.reliability.campaign.identity import identity

    network, images = exact("mlp")
    every = [settings(BitFlip(ber=rate)) for rate in (0.01, 0.1)]
    names = [identity(network, images, each) for each in every]
    with Record.open(tmp_path / "record", {each.name: each.described for each in names}) as book:
        found = [inject(network, images, each, record=book) for each in every]
    assert [each.to_json() for each in found] == [inject(network, images, each).to_json() for each in every]
    assert [each.campaign for each in found] == [each.name for each in names]
    with pytest.raises(BadFile, match="is the record of another campaign"):
        inject(network, images, every[0], record=tmp_path / "record")


@pytest.mark.parametrize(
    "more", [{"seed": 1}, {"fault": BitFlip(ber=0.03)}, {"bits": 4}, {"fault": DeadNeuron(count=1)}]
)
def test_the_record_of_another_campaign_is_left_as_it_is(more: dict[str, Any], tmp_path: Path) -> None:
    network, images = exact("mlp")
    path = tmp_path / "record"
    inject(network, images, settings(), record=path)
    before = path.read_bytes()
    with pytest.raises(BadFile, match="is the record of another campaign"):
        inject(network, images, settings(**more), record=path)
    with pytest.raises(BadFile, match="is the record of another campaign"):
        inject(network, Prepared(images.inputs[1:], images.labels[1:]), settings(), record=path)
    assert path.read_bytes() == before


def test_what_is_refused_leaves_no_record(tmp_path: Path) -> None:
    network, images = exact("mlp")
    path = tmp_path / "deep" / "record"
    with pytest.raises(BadSetting, match="choose among 0, 2, 4"):
        inject(network, images, settings(layer="nope"), record=path)
    assert not path.parent.exists()


# Planned looks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("precision", "cap"), [(0.5, 1000), (0.02, 300), (0.03, 200), (1e-6, 140), (0.02, 90)])
def test_maps_go_on_until_the_mean_is_known(precision: float, cap: int, tmp_path: Path) -> None:
    network, images = direct("mlp", RATE)
    path, fault = tmp_path / "record", BitFlip(ber=0.02)
    plain = settings(fault, precision=precision, cap=cap)
    found = inject(network, images, plain, record=path)
    every = inject(network, images, settings(fault, maps=cap)).rows[0].accuracies
    looks = [look for look in (128, 256, 512) if look < cap] + [cap]
    stop = next((look for look in looks if enough(every[:look], precision, cap=cap)), cap)
    assert found.rows[0].accuracies.tolist() == every[:stop].tolist()
    assert len(lines(path)) == 1 + stop
    made = found.to_json()
    assert (made["planned_maps"], made["precision"], made["maps"]) == (cap, precision, stop)
    if stop < cap:
        assert (made["accuracy_high"] - made["accuracy_low"]) / 2 <= precision
    # a record with more maps than it would have run gives the same answer
    inject(network, images, settings(fault, maps=cap), record=path)
    assert inject(network, images, plain, record=path).to_json() == made


def test_parts_that_are_known_well_enough_wait_for_the_others() -> None:
    network, images = direct("mlp", RATE)
    found = inject(network, images, settings(BitFlip(ber=0.02), scope="bit", precision=0.007, cap=300))
    counts = {row.stratum: row.maps for row in found.rows}
    assert set(counts.values()) == {128, 256, 300}
    for row in found.rows:
        first = [enough(row.accuracies[:look], 0.007, cap=300) for look in (128, 256, 300) if look <= row.maps]
        assert not any(first[:-1]) and (first[-1] or row.maps == 300)
    assert found.to_json()["maps"] == sum(counts.values())


# Refusals ------------------------------------------------------------------------------------------------------


def test_images_that_do_not_fit_are_refused() -> None:
    network, images = exact("mlp")
    inputs, labels = images.inputs, images.labels
    for wrong, says in (
        (Prepared(inputs[:0], labels[:0]), "there are no images: give a split that is not empty"),
        (Prepared(inputs[:, :-1], labels), r"inputs have shape \(9,\), the network takes \(10,\)"),
        (Prepared(inputs, labels + 3), "label 6 is in the data, but the network has 4 classes"),
        (Prepared(inputs, labels - 1), "label -1 is in the data, but the network has 4 classes"),
    ):
        with pytest.raises(BadData, match=says) as caught:
            inject(network, wrong, settings())
        assert "\n" not in str(caught.value)


def test_networks_without_classes_or_weights_or_neurons_are_refused() -> None:
    source, images = ordinary("one_number_per_sample")
    with pytest.raises(BadModel, match=r"output has shape \(\): accuracy needs one row of class scores"):
        inject(source, images, settings())
    for network, images in (ordinary("linear_only"), exact("linear_only")):
        with pytest.raises(BadSetting, match="the network has no neurons to strike"):
            inject(network, images, settings(DeadNeuron(rate=0.1), scope="layer"))


def test_faults_that_the_network_has_no_room_for_are_refused() -> None:
    network, images = exact("mlp")
    with pytest.raises(BadSetting, match="count is 99999, but there are 3200 bits here"):
        inject(network, images, settings(BitFlip(count=99999)))
    with pytest.raises(BadSetting, match="there is no layer 'nope' to strike"):
        inject(network, images, settings(BitFlip(bits={"nope": ((0, 0),)})))
    with pytest.raises(BadSetting, match="count is 17, but there are 16 neurons here"):
        inject(network, images, settings(DeadNeuron(count=17), layer="0"))
