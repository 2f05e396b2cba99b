"""`spikewright inject`: a fault campaign on a network, with intervals over fault maps.

It exits with 0 where nothing was asked or all that was is shown; with 1 where a verdict is FAIL, or UNDECIDED without
--allow-undecided; with 2 where the request itself cannot be.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from spikewright.app.cli import options

if TYPE_CHECKING:
    from spikewright.app.runs.inject import InjectRequest


def inject(
    run: Annotated[Path, Argument(help="run folder of a network, spiking or ordinary", metavar="RUN")],
    data: options.Data = None,
    fault: Annotated[str, Option(help="kind of fault: bit_flip, stuck_at, dead_neuron, lost_spikes …")] = "bit_flip",
    ber: Annotated[str | None, Option(help="its rate, 0 to 1; several with commas between them make a curve")] = None,
    set_: Annotated[list[str] | None, Option("--set", help="other settings of the fault, as key=value")] = None,
    bits: Annotated[int, Option(help="bits of weights that are not stored as integers yet, 2 to 16")] = 8,
    per_channel: Annotated[bool, Option("--per-channel/--per-tensor", help="their scale")] = False,
    weight_range: Annotated[
        float | None, Option(help="largest |weight| that they can store; default: that of each layer")
    ] = None,
    scope: Annotated[str, Option(help="model, layer, bit, cell (layer and bit) or channel")] = "model",
    layer: Annotated[str | None, Option(help="only this layer")] = None,
    bit: Annotated[int | None, Option(help="only this bit of each weight, 0 the least")] = None,
    maps: Annotated[int, Option(help="fault maps of each part")] = 100,
    precision: Annotated[
        float | None, Option(help="go on until the mean is known to ± so many points, by planned looks")
    ] = None,
    cap: Annotated[int, Option(help="fault maps at which that ends")] = 1000,
    images: Annotated[int, Option(help="images of the split, the first ones")] = 2000,
    split: Annotated[str, Option(help="test or validation")] = "test",
    output: options.Output = None,
    source: Annotated[bool, Option("--source/--spiking", help="strike the run's source network")] = False,
    against: Annotated[Path | None, Option(help="run to compare with: is RUN no worse under faults?")] = None,
    against_source: Annotated[
        bool, Option("--against-source/--against-spiking", help="compare with that run's source network")
    ] = False,
    margin: Annotated[float, Option(help="points by which worse is still no worse")] = 0.0,
    way: Annotated[str, Option(help="how a verdict is come to: normal or strict")] = "normal",
    require: Annotated[
        list[str] | None, Option("--require", help="under faults on average: accuracy=0.9 or reliability=0.95")
    ] = None,
    max_loss: Annotated[float | None, Option(help="points that accuracy may lose to faults on average")] = None,
    allow_undecided: Annotated[
        bool, Option("--allow-undecided/--no-allow-undecided", help="exit 0 where a verdict is UNDECIDED")
    ] = False,
    replay: Annotated[
        str | None, Option(help="run this fault map alone and list its flips: MAP, or PART#MAP of several parts")
    ] = None,
    hints: Annotated[
        bool, Option("--harden/--no-harden", help="see what protecting weights, or the network of --against, would buy")
    ] = False,
    page: Annotated[
        Path | None, Option(help="write a page with plots here (.html)", callback=options.page_place)
    ] = None,
    record: Annotated[Path | None, Option(help="file of the maps; default: one in RUN/campaigns")] = None,
    workers: Annotated[
        int | None, Option(help="tasks at once; default: 1 on this machine, all CPUs of a cluster")
    ] = None,
    backend: Annotated[str, Option(help="loky (this machine), ray or dask")] = "loky",
    address: Annotated[str | None, Option(help="of the ray or dask cluster")] = None,
    batch_size: Annotated[int | None, Option(help="images run at once; results do not depend on it")] = None,
    mean: options.Mean = None,
    std: options.Std = None,
    size: options.Size = None,
    label: options.Label = None,
    seed: options.Seed = 0,
    device: options.Device = "cpu",
    json: options.Json = None,
) -> None:
    """Inject faults into a network and see what it costs; interrupted, it goes on where it was.

    Exit code 1 where a verdict (--against, --require, --max-loss) is FAIL or UNDECIDED.
    """
    options.place(record)

    from dataclasses import replace

    from spikewright.app.cli.campaign import show
    from spikewright.app.cli.console import console, progress_bar
    from spikewright.app.runs import inject as verb
    from spikewright.app.runs.faults import fault_of
    from spikewright.app.runs.provenance import provenance
    from spikewright.measure.statistics.decisions import Verdict
    from spikewright.reliability.campaign.settings import InjectSettings
    from spikewright.reliability.workers.pool import Workers

    options.on_cpu("inject", device)
    rates: list[float | None] = [None] if ber is None else list(options.rates("--ber", ber))
    settings: list[Any] = [
        InjectSettings(
            fault=fault_of(fault, options.settings(set_ or []), rate), bits=bits, per_channel=per_channel,
            weight_range=weight_range,
            scope=scope, layer=layer, bit=bit, maps=maps,  # pyright: ignore[reportArgumentType]
            precision=None if precision is None else precision / 100, cap=cap, seed=seed, batch_size=batch_size,
            workers=Workers(count=workers, backend=backend, address=address),  # pyright: ignore[reportArgumentType]
        )
        for rate in rates
    ]  # fmt: skip
    request = verb.InjectRequest(
        run=run, settings=tuple(settings), of="source" if source else None, data=data, split=split, samples=images,
        images=options.images(mean, std, size, seed, label), record=record, against=against,
        against_of="source" if against_source else None, margin=margin / 100, way=way,
        required=options.required(require or [], max_loss), harden=hints, output=output,
    )  # fmt: skip
    made = provenance(sys.argv[1:])
    if replay is not None:
        options.refuse_together("--replay", {"--page": page is not None, "--allow-undecided": allow_undecided})
        _replay(replay, request, json)
        return
    with progress_bar() as progress:
        result = replace(verb.run(request, on_progress=progress), provenance=made)
    found = result.campaigns
    options.write(json, result)
    if page is not None:
        from spikewright.app.pages.injection import write_injection

        parts = [part for each in found for part in each.parts]
        write_injection(page, [result.to_json(), *parts], note=f"{found[0].data}, {split} split")
    show(f"{run}", found)
    if json is not None:
        console.print(f"figures: {json}")
    if page is not None:
        console.print(f"page: {page}")
    if result.verdict is Verdict.FAIL or (result.verdict is Verdict.UNDECIDED and not allow_undecided):
        raise typer.Exit(1)


def _replay(text: str, request: "InjectRequest", json: Path | None) -> None:
    """One map, printed and written."""
    from dataclasses import replace

    from spikewright.app.cli.campaign import show_replay
    from spikewright.app.cli.console import console
    from spikewright.app.runs import replay as verb
    from spikewright.app.runs.provenance import provenance

    part, number = verb.map_named(text)
    result = verb.run(verb.ReplayRequest(campaign=request, number=number, part=part))
    options.write(json, replace(result, provenance=provenance(sys.argv[1:])))
    show_replay(f"{request.run}", result)
    if json is not None:
        console.print(f"figures: {json}")
