"""Tiny random Llama checkpoints and what PyTorch computes with them, for test/graph and test/model.

    python tools/references/make_llama.py        (torch 2, transformers 5, safetensors; seconds, one thread)

Writes test/fixtures/graph/<name>/: a real checkpoint folder (config.json, generation_config.json, model.safetensors) and
reference.json {single, batch, long, greedy}: token ids, and float32 logits as base64 of little-endian bytes. Every run in float32 with
eager attention, from the files as written (so the stored dtype's rounding is in the reference). The weights are noise: logits
of magnitude 3 to 10, so that an absolute tolerance of 1e-4 means something.
"""

import base64
import json
import pathlib

import torch
import transformers

OUT = pathlib.Path(__file__).parents[2] / "test" / "fixtures" / "graph"
SIZES = dict(
    vocab_size=128,
    hidden_size=48,
    intermediate_size=72,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=256,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=0,
)
ROPE_LLAMA3 = dict(
    rope_type="llama3",
    rope_theta=10000.0,
    factor=8.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=32,
)
ROPE_LINEAR = dict(rope_type="linear", rope_theta=500.0, factor=4.0)

# name: (dtype of the file, spelling of the config, what differs from SIZES)
MODELS = {
    "tied": ("bfloat16", 5, dict(tie_word_embeddings=True, hidden_size=64, intermediate_size=56, num_attention_heads=8)),
    "untied-biases": ("float16", 5, dict(attention_bias=True, mlp_bias=True, head_dim=16, rms_norm_eps=1e-5)),
    "llama3-rope": ("float32", 5, dict(tie_word_embeddings=True, hidden_size=32, intermediate_size=48, num_key_value_heads=1, rope_parameters=ROPE_LLAMA3)),
    # heads of 12: no multiple of 8, which the fused attention of onnxruntime refuses
    "linear-rope": ("bfloat16", 4, dict(num_key_value_heads=4, attention_bias=True, rope_parameters=ROPE_LINEAR)),
}


def randomize(model: torch.nn.Module, generator: torch.Generator) -> None:
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if name == "model.norm.weight":
                parameter.copy_(2 * noise)  # of either sign, or a tied model would repeat its input for ever
            elif parameter.dim() == 1:
                parameter.add_(0.1 * noise)
            else:
                parameter.copy_((0.3 if "embed" in name or "lm_head" in name else 0.15) * noise)


def spell_as_transformers_4(folder: pathlib.Path) -> None:
    """The older spelling of the same config: rope_theta beside rope_scaling."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    scaling = config.pop("rope_parameters")
    config["rope_theta"] = scaling.pop("rope_theta")
    config["rope_scaling"] = scaling
    config["torch_dtype"] = config.pop("dtype")
    path.write_text(json.dumps(config, indent=2) + "\n")


def packed(logits: torch.Tensor) -> dict:
    flat = logits.float().contiguous().numpy().astype("<f4").tobytes()
    return {"dims": list(logits.shape), "data": base64.b64encode(flat).decode()}


def reference(folder: pathlib.Path, generator: torch.Generator) -> dict:
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    draw = lambda n: torch.randint(3, SIZES["vocab_size"], (n,), generator=generator)
    single, long = draw(13), draw(56)
    rows = [draw(n) for n in (20, 13, 5)]
    longest = max(len(row) for row in rows)
    ids, mask = torch.zeros(len(rows), longest, dtype=torch.long), torch.zeros(len(rows), longest, dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, longest - len(row) :], mask[i, longest - len(row) :] = row, 1
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    with torch.no_grad():
        batch = model(input_ids=ids, attention_mask=mask, position_ids=positions).logits
        greedy = model.generate(input_ids=ids, attention_mask=mask, max_new_tokens=24, do_sample=False, eos_token_id=None, pad_token_id=0)
        return {
            "single": {"ids": single.tolist(), "logits": packed(model(single[None]).logits[0])},
            # longer than original_max_position_embeddings of the llama3 scaling; the last 8 positions
            "long": {"ids": long.tolist(), "logits": packed(model(long[None]).logits[0, -8:])},
            # padded on the left; the last 5 positions, which are no padding in any row
            "batch": {"ids": ids.tolist(), "mask": mask.tolist(), "logits": packed(batch[:, -5:])},
            "greedy": {"prompts": [row.tolist() for row in rows], "ids": greedy[:, longest:].tolist()},
        }


def main() -> None:
    torch.set_num_threads(1)
    for seed, (name, (dtype, spelling, changes)) in enumerate(MODELS.items()):
        generator = torch.Generator().manual_seed(seed)
        folder = OUT / name
        config = transformers.LlamaConfig(**{**SIZES, **changes})
        model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager").float()
        randomize(model, generator)
        model.to(getattr(torch, dtype)).save_pretrained(folder)
        (folder / "model.safetensors").chmod(0o644)
        if spelling == 4:
            spell_as_transformers_4(folder)
        result = reference(folder, generator)
        (folder / "reference.json").write_text(json.dumps(result) + "\n")
        size = sum(file.stat().st_size for file in folder.iterdir())
        print(f"{name}: {size} bytes, {[len(set(row)) for row in result['greedy']['ids']]} different tokens in the greedy rows")


main()
