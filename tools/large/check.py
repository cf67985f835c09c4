"""A merged folder against the truth in float64, weight by weight, and as transformers sees it.

    python check.py MERGED --sft DIR --aligned DIR --unaligned DIR [--no-forward]

Method and parameters are those of MERGED/merge.json. The truth of a weight is its formula in float64 (numpy), rounded once to the stored
type; the page computes in float32 and rounds once, so a few weights may be one step off. Exits with 1 if more than 0.05 % of the
combined weights of 16 bits are one step off, if any is further, if a copied tensor or a count or a hash differs, or if transformers
does not load the folder and run a few tokens. Memory: one chunk; the forward pass needs the model.
"""

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open

import mask
import rounding

# Elements at a time: temporary arrays stay within the cache, and the whole within a few MB.
CHUNK = 1 << 18
ONE_OFF_AT_MOST = 0.0005
# Few enough rows for a tiny vocabulary.
TOKENS = [1, 5, 17, 42, 99]


class Model:
    """Tensors of a folder by name, wherever they lie."""

    def __init__(self, folder: Path) -> None:
        files = [safe_open(path, "pt") for path in sorted(folder.glob("*.safetensors"))]
        self.files = {name: file for file in files for name in file.keys()}

    def flat(self, name: str) -> torch.Tensor:
        return self.files[name].get_tensor(name).flatten()


def truth(recipe: dict, name: str, first: int, sft: np.ndarray, aligned: np.ndarray, unaligned: np.ndarray) -> np.ndarray:
    start = sft
    if recipe["method"] == "resta_d" and recipe["p"] > 0:
        drop = mask.dropped(recipe["seed"], name, recipe["p"], first, len(sft))
        start = aligned + np.where(drop, 0.0, (sft - aligned) / (1 - recipe["p"]))
    return start + recipe["g"] * (aligned - unaligned)


def chunks(models: list[Model], name: str) -> Iterator[tuple[int, list[torch.Tensor]]]:
    tensors = [model.flat(name) for model in models]
    for first in range(0, len(tensors[0]), CHUNK):
        yield first, [tensor[first : first + CHUNK] for tensor in tensors]


def compare(recipe: dict, merged: Model, inputs: list[Model]) -> tuple[Counter, list[str]]:
    """Counts of weights by steps from the truth, and of weights that differ from the fine-tune's."""
    found, far = Counter(), []
    for name in sorted(merged.files):
        for first, (out, *parts) in chunks([merged, *inputs], name):
            operands = [part.double().numpy() for part in parts]
            exact = truth(recipe, name, first, *operands)
            steps = rounding.steps_apart(rounding.stored_bits(out), rounding.rounded_bits(exact, out.dtype))
            found["weights"] += len(steps)
            found["equal"] += int((steps == 0).sum())
            found["one step off"] += int((steps == 1).sum())
            found["further off"] += int((steps > 1).sum())
            found["changed"] += int((rounding.stored_bits(out) != rounding.stored_bits(parts[0].to(out.dtype))).sum())
            for i in np.flatnonzero(steps > 1)[: max(0, 10 - len(far))]:
                values = ", ".join(f"{operand[i]:.9g}" for operand in operands)
                far.append(f"{name}[{first + i}]: {out[i].item():.9g}, not {exact[i]:.12g}; sft, aligned, unaligned: {values}")
    return found, far


def record_problems(folder: Path, record: dict, found: Counter) -> list[str]:
    problems = []
    for shard in record["shards"]:
        with (folder / shard["file"]).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != shard["sha256"]:
            problems.append(f"{shard['file']}: SHA-256 is not the one of merge.json")
    counted = record["counts"]["changed"]
    if counted != found["changed"]:
        problems.append(f"merge.json counts {counted} changed weights, there are {found['changed']}")
    return problems


def forward_problems(folder: Path) -> list[str]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, loading = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    bad = {kind: sorted(names)[:5] for kind, names in loading.items() if names}
    with torch.no_grad():
        logits = model(torch.tensor([TOKENS])).logits
    print(f"transformers: {type(model).__name__}, {model.dtype}, {len(AutoTokenizer.from_pretrained(folder))} tokens, logits {list(logits.shape)} up to {logits.abs().max():.2f}")
    finite = [] if bool(logits.isfinite().all()) else ["logits are not finite"]
    return finite + ([f"transformers reports {bad}"] if bad else [])


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("merged", type=Path)
    for role in ("sft", "aligned", "unaligned"):
        parser.add_argument(f"--{role}", type=Path, required=True)
    parser.add_argument("--no-forward", action="store_true")
    options = parser.parse_args()
    rounding.check_against_torch()
    mask.check_known_answers()
    record = json.loads((options.merged / "merge.json").read_text())
    inputs = [Model(folder) for folder in (options.sft, options.aligned, options.unaligned)]
    merged = Model(options.merged)
    found, far = compare(record["recipe"], merged, inputs)
    print(f"{record['formula']}, {record['recipe']}")
    for what, count in found.items():
        print(f"{what:>14} {count:>12} {100 * count / found['weights']:10.6f} %")
    problems = [] if set(merged.files) == set(inputs[0].files) else ["the tensors are not those of the fine-tune"]
    if found["one step off"] > ONE_OFF_AT_MOST * found["weights"]:
        problems.append(f"more than {100 * ONE_OFF_AT_MOST:g} % are one step off")
    problems += [f"{found['further off']} weights are further off:", *far] if far else []
    problems += record_problems(options.merged, record, found)
    problems += [] if options.no_forward else forward_problems(options.merged)
    print("\n".join(problems) or "as it should be")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
