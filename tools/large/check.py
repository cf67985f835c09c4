"""A merged folder against the truth in float64, weight by weight, and as transformers sees it.

    python check.py MERGED --sft DIR --aligned DIR --unaligned DIR [--no-forward]

Method and parameters are those of MERGED/merge.json. The truth of a weight is its formula in float64 (numpy), rounded once to the stored
type; the page computes in float32 and rounds once, so a few weights may be one step off. Where the terms of a formula cancel, what is left
is the rounding of their last bits (in float64 too: 0.3 is no binary number), and steps of the remainder measure nothing: such weights are
counted by themselves, and must be as near as float32 can be. Exits with 1 if more than 0.05 % of the weights are one step off, if more than
0.001 % are cancelled ones, if any other is further, if the names of the tensors, the count of changed weights or a hash is not what it
should be, or if transformers does not load the folder and run a few tokens. Memory: a few chunks; the forward pass needs the model.
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
CANCELLED_AT_MOST = 0.00001
# Four roundings of float32 (2^-24 each), as share of the largest term: differences, products and sums of a formula.
CANCELLED_WITHIN = 4 * 2.0**-24
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


def largest_term(recipe: dict, sft: np.ndarray, aligned: np.ndarray, unaligned: np.ndarray) -> np.ndarray:
    rescaled = (sft - aligned) / (1 - recipe.get("p", 0))
    return np.maximum.reduce([np.abs(term) for term in (sft, aligned, unaligned, rescaled, recipe["g"] * (aligned - unaligned))])


def has_16_bits(model: Model) -> bool:
    """Steps of float32 are the arithmetic's own: there only the bound on the error says something."""
    return all(model.flat(name).element_size() == 2 for name in model.files)


def chunks(models: list[Model], name: str) -> Iterator[tuple[int, list[torch.Tensor]]]:
    tensors = [model.flat(name) for model in models]
    for first in range(0, len(tensors[0]), CHUNK):
        yield first, [tensor[first : first + CHUNK] for tensor in tensors]


def compare(recipe: dict, merged: Model, inputs: list[Model]) -> tuple[Counter, list[str]]:
    """Counts of weights by steps from the truth, and of weights that differ from the fine-tune's."""
    found: Counter = Counter({what: 0 for what in ("weights", "equal", "one step off", "cancelled", "further off", "changed")})
    far: list[str] = []
    for name in sorted(merged.files):
        for first, (out, *parts) in chunks([merged, *inputs], name):
            operands = [part.double().numpy() for part in parts]
            exact = truth(recipe, name, first, *operands)
            steps = rounding.steps_apart(rounding.stored_bits(out), rounding.rounded_bits(exact, out.dtype))
            found["weights"] += len(steps)
            found["equal"] += int((steps == 0).sum())
            found["one step off"] += int((steps == 1).sum())
            found["changed"] += int((rounding.stored_bits(out) != rounding.stored_bits(parts[0].to(out.dtype))).sum())
            where = np.flatnonzero(steps > 1)
            values = [operand[where] for operand in operands]
            error = np.abs(out.double().numpy()[where] - exact[where])
            cancelled = error <= CANCELLED_WITHIN * largest_term(recipe, *values)
            found["cancelled"] += int(cancelled.sum())
            found["further off"] += int((~cancelled).sum())
            for i in np.flatnonzero(~cancelled)[: max(0, 10 - len(far))]:
                parts_of = ", ".join(f"{value[i]:.9g}" for value in values)
                far.append(f"{name}[{first + where[i]}]: {out[where[i]].item():.9g}, not {exact[where[i]]:.12g}; sft, aligned, unaligned: {parts_of}")
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
    limits = {"one step off": ONE_OFF_AT_MOST, "cancelled": CANCELLED_AT_MOST} if has_16_bits(merged) else {}
    for what, share in limits.items():
        if found[what] > share * found["weights"]:
            problems.append(f"{what}: more than {100 * share:g} %")
    problems += [f"{found['further off']} weights are further off:", *far] if far else []
    problems += record_problems(options.merged, record, found)
    problems += [] if options.no_forward else forward_problems(options.merged)
    print("\n".join(problems) or "as it should be")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
