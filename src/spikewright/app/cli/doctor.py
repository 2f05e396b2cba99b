"""`spikewright doctor`: versions, devices, data and extras found on this machine."""

from spikewright.app.cli import options


def doctor(json: options.Json = None) -> None:
    """Show what this machine has."""
    from spikewright.app.cli.console import console, table
    from spikewright.app.runs.doctor import examine
    from spikewright.data.files import write_json

    found = examine()
    console.print(table("spikewright doctor", ("what", "found"), list(found.items()), numbers=2))
    if json is not None:
        write_json(json, found)
