"""`spikewright memory`: bytes of weights and membranes at few bits, without training anything."""

from typing import TYPE_CHECKING, Annotated

from typer import Option

from spikewright.app.cli import options

if TYPE_CHECKING:
    from spikewright.app.runs.memory import MemoryReport


def memory(
    model: Annotated[str, Option(help="a model's name, or package.module:factory")],
    weight_bits: Annotated[int, Option(help="of hidden weights: 1 to 16, or 32 for as they are")] = 32,
    membrane_bits: Annotated[int, Option(help="2 to 16, or 32 for as they are")] = 32,
    batch: Annotated[int, Option(help="samples whose membranes are held at once")] = 1,
    edge_bits: Annotated[
        int | None, Option(help="of weights of the first and the last layer; default 8, or 32 with --weight-bits 32")
    ] = None,
    readout_bits: Annotated[int | None, Option(help="of those of the last layer, if others than the first's")] = None,
    data: options.Data = None,
    shape: Annotated[str | None, Option(help="in place of --data: one input's shape; default 3x32x32")] = None,
    channels: Annotated[int | None, Option(help="of images, in place of --shape; default 3")] = None,
    size: Annotated[str | None, Option(help="of images, HEIGHTxWIDTH; default 32x32, or that of --data")] = None,
    classes: Annotated[int | None, Option(help="default 10, or those of --data")] = None,
    seed: options.Seed = 0,
    device: options.Device = "cpu",
    json: options.Json = None,
) -> None:
    """Show what a model would occupy as a spiking network of few bits; nothing is trained."""
    from spikewright.app.runs.memory import InputSettings
    from spikewright.app.runs.memory import memory as run
    from spikewright.data.files import write_json
    from spikewright.errors import BadSetting
    from spikewright.measure.cost.footprint import FootprintSettings

    if device not in ("auto", "cpu"):
        raise BadSetting(f"memory: counts on the CPU, not on {device!r}: leave out --device")
    inputs = InputSettings(shape=options.shape(shape), channels=channels, size=options.size(size), classes=classes)
    settings = FootprintSettings(
        weight_bits=weight_bits,
        membrane_bits=membrane_bits,
        batch=batch,
        edge_bits=edge_bits,
        readout_bits=readout_bits,
    )
    report = run(model, data=data, inputs=inputs, settings=settings, seed=seed)
    if json is not None:
        write_json(json, report.to_json())
    _show(report)


def _show(report: "MemoryReport") -> None:
    from spikewright.app.cli.console import console, table
    from spikewright.app.cli.figures import octets

    found = report.found
    takes, gives = ("x".join(map(str, shape)) for shape in (report.input_shape, report.output_shape))
    title = f"{report.model}: inputs {takes}, outputs {gives}, batch {found.batch:,}"
    rows = [(part.what, f"{part.numbers:,}", part.bits, octets(part.bytes)) for part in found.parts]
    console.print(table(title, ("what", "numbers", "bits each", "takes"), rows))
    for name, few, full in (
        (
            "footprint, with the membranes of the largest layer (Q-SNNs, Table 2)",
            found.footprint_megabytes,
            report.full.footprint_megabytes,
        ),
        (
            "footprint, with the membranes of all layers (step by step)",
            found.footprint_megabytes_all,
            report.full.footprint_megabytes_all,
        ),
    ):
        less = "" if few == full else f", {1 - few / full:.2%} less than the {octets(full * 1e6)} of 32 bits"
        console.print(f"{name}: {octets(few * 1e6)}{less}")
