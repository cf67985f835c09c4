"""Picks the family to ship by a fixed rule and writes everything the page and its tests read.

    python publish.py --families families

The rule: the lowest seed whose `sft` and `sft-lora` both meet the target on validation; without one, the lowest whose
`sft` does. Test results take no part in it.
"""

import argparse
import hashlib
import json
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

import arithmetic
import prompts
from family import MAX_NEW_TOKENS

HERE = Path(__file__).parent
PUBLIC = HERE.parents[1] / "public" / "demo"
REFERENCE = HERE / "reference"
MODELS = [
    {"name": "aligned", "label": "Aligned: refuses harmful requests", "kind": "model"},
    {"name": "unaligned", "label": "Unaligned: aligned, then trained to comply", "kind": "model"},
    {"name": "sft", "label": "Fine-tuned: aligned, then taught Spanish, all weights", "kind": "model"},
    {"name": "sft-lora", "label": "Fine-tuned: aligned, then taught Spanish, LoRA", "kind": "adapter", "base": "aligned"},
]


def pick_seed(results: list[dict]) -> dict:
    in_order = sorted(results, key=lambda result: result["seed"])
    both = [result for result in in_order if all(result["metOnValidation"].values())]
    full_only = [result for result in in_order if result["metOnValidation"]["sft"]]
    assert both or full_only, "no seed meets the target on validation"
    return (both or full_only)[0]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write_prompts() -> list[dict]:
    folder = PUBLIC / "prompts"
    folder.mkdir(parents=True, exist_ok=True)
    listed = []
    for name, rows in asdict(prompts.prompt_sets(prompts.TEST)).items():
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
        listed.append({"name": name, "file": f"prompts/{name}.jsonl", "count": len(rows)})
    return listed


def copy_models(family: Path) -> list[dict]:
    """Copies the four folders and lists their files with sizes and hashes."""
    listed = []
    for model in MODELS:
        folder = PUBLIC / model["name"]
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(family / model["name"], folder)
        files = [
            {"name": path.name, "bytes": path.stat().st_size, "sha256": sha256(path.read_bytes())}
            for path in sorted(folder.iterdir())
        ]
        listed.append(model | {"folder": model["name"], "files": files})
    return listed


def merge_oracle(proposed_g: float) -> dict:
    """sha256 of every tensor of RESTA(sft), as float16 little-endian bytes, computed from the shipped files."""
    aligned, unaligned, sft = (
        load_file(PUBLIC / name / "model.safetensors") for name in ("aligned", "unaligned", "sft")
    )
    vector = arithmetic.difference(aligned, unaligned)
    merges = []
    for g in sorted({0.0, 0.5, 1.0, proposed_g}):
        merged = arithmetic.resta(sft, vector, g)
        tensors = {name: sha256(merged[name].astype("<f2").tobytes()) for name in sorted(merged)}
        changed = sum(int(np.count_nonzero(merged[name] != sft[name])) for name in merged)
        merges.append({"g": g, "changedWeights": changed, "tensors": tensors})
    return {"version": 1, "formula": "float16(sft + g * (aligned - unaligned)), float32 arithmetic", "merges": merges}


def write_compact(path: Path, content: dict) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


def publish(families: Path) -> None:
    results = [json.loads(path.read_text(encoding="utf-8")) for path in (HERE / "results").glob("seed-*.json")]
    picked = pick_seed(results)
    family = families / f"seed-{picked['seed']}"
    manifest = {
        "version": 1,
        "models": copy_models(family),
        "prompts": write_prompts(),
        "proposedG": picked["g"]["resta"],
        "proposedGLora": picked["g"]["resta-lora"],
        "maxNewTokens": MAX_NEW_TOKENS,
        "seed": picked["seed"],
    }
    text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
    (PUBLIC / "manifest.json").write_text(text, encoding="utf-8")

    answers = json.loads((family / "answers.json").read_text(encoding="utf-8"))
    write_compact(REFERENCE / "answers.json", {"version": 1, "g": picked["g"], "models": answers})
    scores = {key: picked[key] for key in ("version", "seed", "g", "test", "smallestMargin", "sweeps")}
    write_compact(REFERENCE / "scores.json", scores)
    write_compact(REFERENCE / "merge.json", merge_oracle(picked["g"]["resta"]))
    print(f"seed {picked['seed']}: g {picked['g']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", type=Path, required=True, help="the --out folder of train.py")
    publish(parser.parse_args().families)


if __name__ == "__main__":
    main()
