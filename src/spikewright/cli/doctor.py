"""`spikewright doctor`: versions, devices, data and extras found on this machine."""

from spikewright.cli import options


def doctor(json: options.Json = None) -> None:
    """Show what this machine has."""
    from spikewright.cli.console import console, table
    from spikewright.folder import write_json
    from spikewright.runs.doctor import examine

    found = examine()
    console.print(table("spikewright doctor", ("what", "found"), list(found.items()), numbers=2))
    if json is not None:
        write_json(json, found)
