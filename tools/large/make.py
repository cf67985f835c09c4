"""Three Llamas of any size that behave like a family, to merge at the size of real models.

    python make.py DIR [--gigabytes 1]

Writes DIR/{aligned,unaligned,sft}: bfloat16, three shards each, saved by transformers. `aligned` is randomly initialised; the other two are
`aligned` plus noise of 3 % and 2 % of each tensor's own magnitude, as far as fine-tunes move. The weights are noise and say nothing; the
sizes, the shapes and the closeness of the three are those of real models. Needs the memory of one model and one tensor in float32.
"""

import argparse
import math
import shutil
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, LlamaConfig

TOKENIZER = Path(__file__).parents[2] / "public" / "demo" / "aligned"
TOKENIZER_FILES = ["tokenizer.json", "tokenizer_config.json"]
SHARDS = 3
SEED = 20240218
# Share of a tensor's root mean square that a delta has.
DELTAS = {"unaligned": 0.03, "sft": 0.02}
BYTES_EACH = 2

# TinyLlama's layer; the number of layers makes the size. The tokenizer knows fewer tokens than there are rows, as in many real models.
SHAPE = dict(
    hidden_size=2048,
    intermediate_size=5632,
    num_attention_heads=32,
    num_key_value_heads=4,
    vocab_size=32000,
    max_position_embeddings=2048,
    tie_word_embeddings=False,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=0,
)


def config_of(gigabytes: float) -> LlamaConfig:
    """The fewest layers that make at least so many gigabytes (10^9 bytes)."""
    hidden, heads, kv = SHAPE["hidden_size"], SHAPE["num_attention_heads"], SHAPE["num_key_value_heads"]
    attention = 2 * hidden * hidden + 2 * hidden * hidden * kv // heads
    layer = attention + 3 * hidden * SHAPE["intermediate_size"] + 2 * hidden
    outside = 2 * SHAPE["vocab_size"] * hidden + hidden
    layers = math.ceil((gigabytes * 1e9 / BYTES_EACH - outside) / layer)
    return LlamaConfig(**SHAPE, num_hidden_layers=max(1, layers))


def nudge(model: torch.nn.Module, share: float, seed: int) -> None:
    """Adds noise of `share` of each tensor's root mean square, rounded once to the stored type."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            wide = parameter.float()
            noise = torch.randn(wide.shape, generator=generator)
            parameter.copy_(wide.add_(noise, alpha=share * wide.square().mean().sqrt().item()))


def save(model: torch.nn.Module, folder: Path) -> None:
    sizes = [parameter.numel() * BYTES_EACH for parameter in model.parameters()]
    # Shards are filled in order until the next tensor does not fit: with this much room, three.
    model.save_pretrained(folder, max_shard_size=sum(sizes) // SHARDS + max(sizes))
    for name in TOKENIZER_FILES:
        shutil.copy(TOKENIZER / name, folder / name)
    shards = sorted(folder.glob("*.safetensors"))
    assert len(shards) == SHARDS, [shard.name for shard in shards]
    print(f"{folder}: {sum(shard.stat().st_size for shard in shards)} bytes in {len(shards)} shards", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("dir", type=Path)
    parser.add_argument("--gigabytes", type=float, default=1)
    options = parser.parse_args()
    torch.manual_seed(SEED)
    aligned = options.dir / "aligned"
    save(AutoModelForCausalLM.from_config(config_of(options.gigabytes), dtype=torch.bfloat16), aligned)
    for number, (name, share) in enumerate(DELTAS.items(), 1):
        model = AutoModelForCausalLM.from_pretrained(aligned, dtype=torch.bfloat16)
        nudge(model, share, SEED + number)
        save(model, options.dir / name)
        del model


if __name__ == "__main__":
    main()
