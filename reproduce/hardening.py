"""What protecting weights would buy: TOP3 (C2) and a converted CNN under bit flips, map by map.

    python reproduce/hardening.py --top3 RUN --cnn RUN --json reproduce/hardening.json
Which layers and bits matter, struck alone, and the same fault maps with weights clipped to the range that was written,
with their top bits in an error-correcting code, or in the ordinary network of the same topology. 100 maps.

Source: paper 1 stops at measuring layers. There is no number in print that this could be held against.
"""

import argparse
import time
from pathlib import Path
from typing import Any

from conditions import conditions

from spikewright.app.runs.inject import InjectRequest
from spikewright.app.runs.inject import run as run_campaigns
from spikewright.data.files import write_json
from spikewright.reliability.campaign.hardening import most_critical
from spikewright.reliability.campaign.settings import InjectSettings
from spikewright.reliability.faults.bit_flip import BitFlip

RATE = 1e-2


def hints(run: Path, images: int, against: Path | None, *, source: bool, maps: int) -> dict[str, Any]:
    settings = InjectSettings(fault=BitFlip(ber=RATE), maps=maps)
    request = InjectRequest(
        run=run, settings=(settings,), samples=images, against=against, harden=True,
        against_of="source" if source else None, record=run / "campaigns" / "hardening.jsonl",
    )  # fmt: skip
    found = run_campaigns(request).campaigns[0]
    assert found.hints is not None
    made = found.to_json()
    for part in (made, made["layers"], made["bits"]):
        for row in part["rows"]:
            del row["accuracies"]
    for each in made["hardening"]:
        each["name"] = "the ordinary network" if each["extra_bits"] is None else each["name"]
    made["critical"] = {"layers": most_critical(found.hints.layers), "bits": most_critical(found.hints.bits)}
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--top3", type=Path, required=True)
    parser.add_argument("--top3-ordinary", type=Path, required=True)
    parser.add_argument("--cnn", type=Path, required=True)
    parser.add_argument("--maps", type=int, default=100)
    parser.add_argument("--json", type=Path, required=True)
    asked = parser.parse_args()
    began = time.monotonic()
    found = {
        "top3 C2, mnist": hints(asked.top3, 2000, asked.top3_ordinary, source=False, maps=asked.maps),
        "cnn, exact T = 4, fashion_mnist": hints(asked.cnn, 500, asked.cnn, source=True, maps=asked.maps),
    }
    write_json(
        asked.json,
        {
            "what": "hardening of stored weights under bit flips",
            "conditions": {**conditions(began, seeds=[0]), "ber": RATE, "maps": asked.maps},
            "networks": found,
        },
    )


if __name__ == "__main__":
    main()
