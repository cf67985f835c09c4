"""RESTA as a researcher writes it: python merge_loop.py SFT ALIGNED UNALIGNED OUT G, folders of safetensors; float32, rounded once."""

import sys
from pathlib import Path

import torch
from measured import measured
from safetensors import safe_open
from safetensors.torch import save_file

*folders, out, g = sys.argv[1:]


def tensors_of(folder: str) -> dict:
    files = [safe_open(path, "pt") for path in sorted(Path(folder).glob("*.safetensors"))]
    return {name: file for file in files for name in file.keys()}


def merge() -> None:
    sft, aligned, unaligned = map(tensors_of, folders)
    merged = {}
    for name in sft:
        base, plus, minus = (model[name].get_tensor(name).float() for model in (sft, aligned, unaligned))
        merged[name] = (base + float(g) * (plus - minus)).to(torch.bfloat16)
    save_file(merged, Path(out) / "model.safetensors", {"format": "pt"})


Path(out).mkdir(parents=True)
measured(merge)
