"""`spikewright doctor`: versions, devices, data and extras found on this machine."""

from spikewright.app.cli import options


def doctor(json: options.Json = None) -> None:
    """Show what this machine has."""
    from spikewright.app.cli.console import console, table
    from spikewright.app.runs.doctor import DoctorRequest, run

    result = run(DoctorRequest())
    options.write(json, result)
    console.print(table("spikewright doctor", ("what", "found"), list(result.found.items()), numbers=2))
