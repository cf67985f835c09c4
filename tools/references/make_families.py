"""Tiny random checkpoints of many decoder families and what PyTorch computes with them, for test/graph and test/model.

    python tools/references/make_families.py [name ...]        (torch 2.13, transformers 5.18, safetensors; a minute, one thread)

Writes test/fixtures/graph/<name>/: a real checkpoint folder (config.json, generation_config.json, model.safetensors) and
reference.json {single, batch, long, greedy}: token ids, and float32 logits as base64 of little-endian bytes. Every run in float32 with
eager attention, from the files as written (so the stored dtype's rounding is in the reference). The weights are noise, the 1-D ones too
(a bias of 0 or a norm of 1 would test nothing): logits of magnitude 3 to 10, so that an absolute tolerance of 1e-4 means something.

Many files are rewritten to what the hub has, which is older than what transformers 5 saves: other spellings of the config, fields left
out, tensors that are no weights. transformers must compute the same from the rewritten folder, bit for bit. Configs and weights come out
the same everywhere; the last bits of the logits are the processor's (8e-6 between two of ours).
"""

import base64
import dataclasses
import json
import pathlib
import sys
import zlib

import safetensors.torch
import torch
import transformers

OUT = pathlib.Path(__file__).parents[2] / "test" / "fixtures" / "graph"
GONE = object()  # a field that the published config does not have
TOKENS = dict(bos_token_id=1, eos_token_id=2, pad_token_id=0)
LLAMA = dict(
    vocab_size=128,
    hidden_size=48,
    intermediate_size=72,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=256,
    **TOKENS,
)
# The families' own: half the bytes. Names of the sizes differ, and a field of another family would end up in config.json.
SMALL = dict(vocab_size=96, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=256, **TOKENS)
MHA = dict(SMALL, intermediate_size=48)
GQA = dict(MHA, num_key_value_heads=2)
GPT2 = dict(vocab_size=96, n_embd=32, n_layer=2, n_head=4, n_positions=128, **TOKENS)

ROPE_LLAMA3 = dict(
    rope_type="llama3",
    rope_theta=10000.0,
    factor=8.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=32,
)
ROPE_LINEAR = dict(rope_type="linear", rope_theta=500.0, factor=4.0)
# A base of 500 and heads of 16: the ramp between kept and stretched frequencies has steps between 0 and 1.
ROPE_YARN = dict(rope_type="yarn", rope_theta=500.0, factor=4.0, original_max_position_embeddings=32)
SHORT_FACTOR = [1.0, 1.05, 1.1, 1.3, 1.5, 1.9, 2.4, 3.0]
LONG_FACTOR = [1.1, 1.4, 2.0, 3.0, 4.5, 7.0, 11.0, 16.0]


@dataclasses.dataclass(frozen=True)
class Row:
    family: str  # as in transformers.<family>Config
    dtype: str  # of the file
    config: dict
    spelling: int = 5  # 4: the older spelling of rope, layers and dtype
    published: dict = dataclasses.field(default_factory=dict)  # what else the hub's config.json says differently
    matrices: float = 0.2  # standard deviation of the matrices but the embeddings and the head
    embeddings: float = 0.3


def llama(dtype: str, spelling: int, changes: dict) -> Row:
    return Row("Llama", dtype, {**LLAMA, **changes}, spelling, matrices=0.15)


ROWS = {
    "tied": llama("bfloat16", 5, dict(tie_word_embeddings=True, hidden_size=64, intermediate_size=56, num_attention_heads=8)),
    "untied-biases": llama("float16", 5, dict(attention_bias=True, mlp_bias=True, head_dim=16, rms_norm_eps=1e-5)),
    "llama3-rope": llama("float32", 5, dict(tie_word_embeddings=True, hidden_size=32, intermediate_size=48, num_key_value_heads=1, rope_parameters=ROPE_LLAMA3)),
    # heads of 12: no multiple of 8, which the fused attention of onnxruntime refuses
    "linear-rope": llama("bfloat16", 4, dict(num_key_value_heads=4, attention_bias=True, rope_parameters=ROPE_LINEAR)),
    "llama-yarn": Row(
        "Llama",
        "bfloat16",
        dict(GQA, head_dim=16, max_position_embeddings=128, rope_parameters=ROPE_YARN),
        4,
        dict(rope_scaling=dict(type="yarn", factor=4.0, original_max_position_embeddings=32)),
    ),
    "llama-dynamic": Row(
        "Llama",
        "bfloat16",
        dict(GQA, rope_parameters=dict(rope_type="dynamic", rope_theta=10000.0, factor=2.0)),
        4,
        dict(rope_scaling=dict(type="dynamic", factor=2.0), head_dim=GONE),
    ),
    "llama-longrope": Row(
        "Llama",
        "bfloat16",
        dict(
            GQA,
            head_dim=16,
            rope_parameters=dict(
                rope_type="longrope",
                rope_theta=10000.0,
                factor=4.0,
                original_max_position_embeddings=64,
                short_factor=SHORT_FACTOR,
                long_factor=LONG_FACTOR,
            ),
        ),
    ),
    "mistral": Row("Mistral", "bfloat16", dict(GQA, sliding_window=8), 4, dict(head_dim=GONE)),
    # the hub's files name a window that is not in use
    "qwen2": Row("Qwen2", "bfloat16", dict(GQA, tie_word_embeddings=True, max_window_layers=1), 4, dict(sliding_window=8)),
    "qwen2-windows": Row(
        "Qwen2", "bfloat16", dict(GQA, num_hidden_layers=3, intermediate_size=40, use_sliding_window=True, sliding_window=8, max_window_layers=1), 4
    ),
    "qwen3": Row("Qwen3", "bfloat16", dict(GQA, head_dim=16, tie_word_embeddings=True)),
    # "gelu" is what the first files say; the tanh form is what they mean
    "gemma": Row("Gemma", "bfloat16", dict(MHA, num_key_value_heads=1, head_dim=16), 4, dict(hidden_act="gelu", tie_word_embeddings=GONE), embeddings=0.1),
    "gemma2": Row(
        "Gemma2",
        "bfloat16",
        dict(
            GQA,
            head_dim=16,
            num_hidden_layers=3,
            intermediate_size=32,
            query_pre_attn_scalar=24,
            sliding_window=8,
            attn_logit_softcapping=3.0,
            final_logit_softcapping=5.0,
        ),
        4,
        dict(tie_word_embeddings=GONE, hidden_act="gelu_pytorch_tanh"),
        embeddings=0.08,
    ),
    "gemma3": Row(
        "Gemma3Text",
        "bfloat16",
        dict(
            GQA,
            head_dim=16,
            num_hidden_layers=3,
            intermediate_size=32,
            query_pre_attn_scalar=24,
            sliding_window=8,
            layer_types=["sliding_attention", "full_attention", "sliding_attention"],
            rope_parameters=dict(
                full_attention=dict(rope_type="linear", rope_theta=100000.0, factor=8.0),
                sliding_attention=dict(rope_type="default", rope_theta=1000.0),
            ),
        ),
        4,
        dict(sliding_window_pattern=2, _sliding_window_pattern=GONE, tie_word_embeddings=GONE),
        embeddings=0.12,
    ),
    "phi": Row("Phi", "float16", dict(MHA, rope_parameters=dict(rope_type="default", rope_theta=10000.0, partial_rotary_factor=0.5)), 4, dict(num_key_value_heads=None)),
    "phi-qk-norm": Row("Phi", "bfloat16", dict(GQA, qk_layernorm=True, rope_parameters=dict(rope_type="default", rope_theta=10000.0, partial_rotary_factor=0.5))),
    "phi3": Row("Phi3", "bfloat16", dict(MHA, num_key_value_heads=4, sliding_window=8, original_max_position_embeddings=256), 4, dict(partial_rotary_factor=GONE)),
    "phi3-longrope": Row(
        "Phi3",
        "bfloat16",
        dict(
            GQA,
            num_attention_heads=2,
            num_key_value_heads=1,
            original_max_position_embeddings=64,
            tie_word_embeddings=True,
            rope_parameters=dict(
                rope_type="longrope", rope_theta=10000.0, partial_rotary_factor=0.75, short_factor=SHORT_FACTOR[:6], long_factor=LONG_FACTOR[:6]
            ),
        ),
        4,
        dict(rope_scaling=dict(type="longrope", short_factor=SHORT_FACTOR[:6], long_factor=LONG_FACTOR[:6])),
    ),
    "gpt2": Row("GPT2", "bfloat16", dict(GPT2, n_inner=48), 4, dict(n_ctx=128, tie_word_embeddings=GONE)),
    "gpt2-bare": Row("GPT2", "float32", dict(GPT2, n_embd=16, n_head=2, n_positions=60), 4, dict(n_ctx=60, tie_word_embeddings=GONE, n_inner=GONE, dtype=GONE)),
    "gpt-neox": Row(
        "GPTNeoX",
        "float16",
        dict(MHA, num_attention_heads=2, max_position_embeddings=64, rope_parameters=dict(rope_type="default", rope_theta=10000.0, partial_rotary_factor=0.25)),
        4,
        dict(rotary_emb_base=10000, rotary_pct=0.25, rope_theta=GONE, rope_scaling=GONE, partial_rotary_factor=GONE, attention_bias=GONE),
    ),
    "gpt-neox-sequential": Row(
        "GPTNeoX",
        "bfloat16",
        dict(MHA, use_parallel_residual=False, rope_parameters=dict(rope_type="default", rope_theta=10000.0, partial_rotary_factor=1.0)),
        4,
        dict(rotary_emb_base=10000, rotary_pct=1.0, rope_theta=GONE, rope_scaling=GONE, partial_rotary_factor=GONE),
        matrices=0.25,
    ),
    "smollm3": Row("SmolLM3", "bfloat16", dict(GQA, num_hidden_layers=4, intermediate_size=32), 4, dict(no_rope_layer_interval=4)),
    "olmo": Row("Olmo", "float16", dict(MHA, clip_qkv=1.5), 4, dict(num_key_value_heads=None)),
    "olmo2": Row("Olmo2", "bfloat16", dict(GQA), 4),
    "olmo3": Row(
        "Olmo3",
        "bfloat16",
        dict(GQA, num_hidden_layers=3, intermediate_size=32, sliding_window=8, layer_types=["sliding_attention", "full_attention", "sliding_attention"]),
    ),
    # rope_scaling is meant for the full layers only
    "olmo3-yarn": Row(
        "Olmo3",
        "bfloat16",
        dict(
            GQA,
            head_dim=16,
            sliding_window=8,
            layer_types=["sliding_attention", "full_attention"],
            rope_parameters=dict(
                sliding_attention=dict(rope_type="default", rope_theta=500000.0),
                full_attention=dict(
                    rope_type="yarn",
                    rope_theta=500000.0,
                    factor=4.0,
                    original_max_position_embeddings=64,
                    attention_factor=1.2,
                    beta_fast=32,
                    beta_slow=1,
                ),
            ),
        ),
        4,
        dict(layer_types=["sliding_attention", "full_attention"], rope_local_base_freq=GONE),
    ),
    "granite": Row(
        "Granite",
        "bfloat16",
        dict(GQA, embedding_multiplier=3.0, attention_multiplier=0.2, residual_multiplier=0.5, logits_scaling=2.0, tie_word_embeddings=True),
        4,
        embeddings=0.15,
    ),
    "stablelm": Row(
        "StableLm",
        "bfloat16",
        dict(MHA, num_attention_heads=2, num_key_value_heads=2, use_qkv_bias=True, rope_parameters=dict(rope_type="default", rope_theta=10000.0, partial_rotary_factor=0.25)),
        4,
    ),
    "stablelm-parallel": Row(
        "StableLm",
        "bfloat16",
        dict(
            GQA,
            head_dim=8,
            use_parallel_residual=True,
            qk_layernorm=True,
            rope_parameters=dict(rope_type="default", rope_theta=10000.0, partial_rotary_factor=0.5),
        ),
        4,
        dict(head_dim=GONE),
    ),
    "starcoder2": Row("Starcoder2", "bfloat16", dict(GQA, sliding_window=8), 4, dict(tie_word_embeddings=GONE)),
    "starcoder2-untied": Row("Starcoder2", "bfloat16", dict(GQA, use_bias=False, tie_word_embeddings=False), matrices=0.3),
    # the hub's files leave out what was once no field
    "falcon-7b": Row(
        "Falcon",
        "bfloat16",
        dict(SMALL),
        4,
        dict(num_kv_heads=GONE, ffn_hidden_size=GONE, activation=GONE, tie_word_embeddings=GONE, rope_theta=GONE, rope_scaling=GONE, num_ln_in_parallel_attn=GONE),
    ),
    "falcon-40b": Row("Falcon", "bfloat16", dict(SMALL, new_decoder_architecture=True, num_kv_heads=2, ffn_hidden_size=48, tie_word_embeddings=False), 4),
    "falcon-rw": Row("Falcon", "bfloat16", dict(SMALL, multi_query=False, parallel_attn=False, bias=True, ffn_hidden_size=48), 5),
    "gpt-bigcode": Row("GPTBigCode", "bfloat16", dict(GPT2, n_inner=48), 4, dict(tie_word_embeddings=GONE, num_key_value_heads=GONE)),
    "opt": Row(
        "OPT",
        "float16",
        dict(SMALL, max_position_embeddings=126, ffn_dim=48),
        4,
        dict(tie_word_embeddings=GONE, enable_bias=GONE, layer_norm_elementwise_affine=GONE),
    ),
    "cohere": Row("Cohere", "float16", dict(GQA, logit_scale=0.25), 4, dict(tie_word_embeddings=GONE, use_qk_norm=GONE), embeddings=0.8),
    "cohere-qk-norm": Row("Cohere", "bfloat16", dict(GQA, logit_scale=0.25, use_qk_norm=True), 4, dict(tie_word_embeddings=GONE), embeddings=0.8),
    "helium": Row("Helium", "bfloat16", dict(GQA, head_dim=8), 4),
    "nemotron": Row(
        "Nemotron",
        "bfloat16",
        dict(GQA, head_dim=16, rope_parameters=dict(rope_type="default", rope_theta=10000.0, partial_rotary_factor=0.5)),
        4,
    ),
    "glm": Row("Glm", "bfloat16", dict(GQA, head_dim=16), 4, matrices=0.25),
    "glm4": Row("Glm4", "bfloat16", dict(GQA, head_dim=16), 4),
    "arcee": Row("Arcee", "bfloat16", dict(GQA)),
    "ernie4_5": Row("Ernie4_5", "bfloat16", dict(GQA, head_dim=16, use_bias=True), 4),
    "hunyuan_v1_dense": Row(
        "HunYuanDenseV1",
        "bfloat16",
        dict(GQA, head_dim=16, tie_word_embeddings=True, rope_parameters=dict(rope_type="dynamic", rope_theta=10000.0, alpha=1000.0, factor=1.0)),
        4,
        dict(rope_scaling=dict(type="dynamic", alpha=1000.0, factor=1.0, beta_fast=32, beta_slow=1, mscale=1.0, mscale_all_dim=1.0)),
        matrices=0.25,
    ),
    "exaone4": Row(
        "Exaone4",
        "bfloat16",
        dict(GQA, num_hidden_layers=4, intermediate_size=24, sliding_window=8, rope_parameters=ROPE_LLAMA3),
        4,
        dict(sliding_window_pattern="LLLG", layer_types=["sliding_attention"] * 3 + ["full_attention"]),
    ),
    "seed_oss": Row("SeedOss", "bfloat16", dict(GQA, head_dim=16), 4),
}


FINAL_NORMS = ("model.norm.weight", "ln_f.weight", "final_layernorm.weight", "final_layer_norm.weight")


def is_final_norm(name: str) -> bool:
    return name.endswith(FINAL_NORMS) and ".layers." not in name and ".h." not in name


def randomize(model: torch.nn.Module, row: Row, generator: torch.Generator) -> None:
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if is_final_norm(name):
                parameter.copy_(2 * noise)  # of either sign, or a tied model would repeat its input for ever
            elif parameter.dim() == 1 or "_norm." in name:  # also one of a norm per head
                parameter.add_(0.1 * noise)
            else:
                is_table = any(part in name for part in ("embed", "lm_head", "wte", "wpe"))
                parameter.copy_((row.embeddings if is_table else row.matrices) * noise)


def spell_as_published(folder: pathlib.Path, row: Row) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    if row.spelling == 4:
        spell_as_transformers_4(config)
    for field, value in row.published.items():
        if value is GONE:
            config.pop(field, None)
        else:
            config[field] = value
    path.write_text(json.dumps(config, indent=2) + "\n")


def spell_as_transformers_4(config: dict) -> None:
    """The older spelling of the same config: rope_theta beside rope_scaling, and the pattern of the layers by a rule."""
    rope = config.pop("rope_parameters", None)
    if rope and "full_attention" in rope:
        config["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
        rope = rope["full_attention"]
    if rope:
        config["rope_theta"] = rope.pop("rope_theta")
        if "partial_rotary_factor" in rope:
            config["partial_rotary_factor"] = rope.pop("partial_rotary_factor")
        config["rope_scaling"] = None if rope["rope_type"] == "default" else rope
    config.pop("layer_types", None)
    config["torch_dtype"] = config.pop("dtype")


def causal(n: int, dtype: torch.dtype) -> torch.Tensor:
    return torch.tril(torch.ones(n, n)).to(dtype).reshape(1, 1, n, n)


def gpt2_of_openai(tensors: dict) -> dict:
    """No prefix, and the causal masks of the first transformers."""
    n = tensors["transformer.wpe.weight"].shape[0]
    layers = sum(name.endswith("ln_1.weight") for name in tensors)
    bare = {name.removeprefix("transformer."): tensor for name, tensor in tensors.items()}
    return {**bare, **{f"h.{i}.attn.bias": causal(n, torch.float32) for i in range(layers)}}


def gpt_neox_of_pythia(tensors: dict) -> dict:
    """Masks and rotary frequencies stored beside the weights; one of them is a scalar."""
    layers = sum(name.endswith("input_layernorm.weight") for name in tensors)
    buffers = {}
    for i in range(layers):
        prefix = f"gpt_neox.layers.{i}.attention."
        buffers[prefix + "bias"] = causal(64, torch.bool)
        buffers[prefix + "masked_bias"] = torch.tensor(-1e9)
        buffers[prefix + "rotary_emb.inv_freq"] = 10000.0 ** -(torch.arange(0, 4, 2) / 4)
    return {**tensors, **buffers}


FILES_AS_PUBLISHED = {"gpt2-bare": gpt2_of_openai, "gpt-neox": gpt_neox_of_pythia}


def load(folder: pathlib.Path) -> torch.nn.Module:
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def packed(logits: torch.Tensor) -> dict:
    flat = logits.float().contiguous().numpy().astype("<f4").tobytes()
    return {"dims": list(logits.shape), "data": base64.b64encode(flat).decode()}


@torch.no_grad()
def reference(folder: pathlib.Path, vocabulary: int, generator: torch.Generator) -> dict:
    model = load(folder)
    draw = lambda n: torch.randint(3, vocabulary, (n,), generator=generator)
    single, long = draw(13), draw(56)
    rows = [draw(n) for n in (20, 13, 5)]
    longest = max(len(row) for row in rows)
    ids, mask = torch.zeros(len(rows), longest, dtype=torch.long), torch.zeros(len(rows), longest, dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, longest - len(row) :], mask[i, longest - len(row) :] = row, 1
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    batch = model(input_ids=ids, attention_mask=mask, position_ids=positions).logits
    greedy = model.generate(input_ids=ids, attention_mask=mask, max_new_tokens=24, do_sample=False, eos_token_id=None, pad_token_id=0)
    agree_without_cache_and_padding(model, rows, batch, greedy[:, longest:])
    return {
        "single": {"ids": single.tolist(), "logits": packed(model(single[None]).logits[0])},
        # longer than original_max_position_embeddings of the llama3 and yarn scalings and than every window; the last 8 positions
        "long": {"ids": long.tolist(), "logits": packed(model(long[None]).logits[0, -8:])},
        # padded on the left; the last 5 positions, which are no padding in any row
        "batch": {"ids": ids.tolist(), "mask": mask.tolist(), "logits": packed(batch[:, -5:])},
        "greedy": {"prompts": [row.tolist() for row in rows], "ids": greedy[:, longest:].tolist()},
    }


def agree_without_cache_and_padding(model: torch.nn.Module, rows: list[torch.Tensor], batch: torch.Tensor, greedy: torch.Tensor) -> None:
    """Each row alone in one pass: what transformers makes of caches, windows and padding is no part of the model."""
    for row, padded, answer in zip(rows, batch, greedy):
        logits = model(torch.cat([row, answer])[None]).logits[0]
        torch.testing.assert_close(logits[len(row) - 5 : len(row)], padded[-5:], atol=1e-4, rtol=0)
        first, second = logits[len(row) - 1 : -1].topk(2).values.unbind(-1)
        assert logits[len(row) - 1 : -1].argmax(-1).tolist() == answer.tolist()
        assert (first - second).min() > 1e-3, "a greedy row that rounding could turn"


@torch.no_grad()
def main() -> None:
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    for name in sys.argv[1:] or ROWS:
        row = ROWS[name]
        generator = torch.Generator().manual_seed(list(ROWS).index(name) if row.matrices == 0.15 else zlib.crc32(name.encode()))
        folder = OUT / name
        config = getattr(transformers, row.family + "Config")(**row.config)
        model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager").float()
        randomize(model, row, generator)
        model.to(getattr(torch, row.dtype)).save_pretrained(folder)
        probe = torch.arange(40)[None] + 3
        saved = load(folder)(probe).logits
        file = folder / "model.safetensors"
        if name in FILES_AS_PUBLISHED:
            safetensors.torch.save_file(FILES_AS_PUBLISHED[name](safetensors.torch.load_file(file)), file, {"format": "pt"})
        file.chmod(0o644)
        if row.spelling == 4 or row.published:
            spell_as_published(folder, row)
        assert torch.equal(load(folder)(probe).logits, saved), f"{name}: the folder as published computes something else"
        result = reference(folder, config.vocab_size, generator)
        (folder / "reference.json").write_text(json.dumps(result) + "\n")
        size = sum(file.stat().st_size for file in folder.iterdir())
        different = [len(set(ids)) for ids in result["greedy"]["ids"]]
        print(f"{name}: {size} bytes, logits up to {saved.abs().max():.1f}, {different} different tokens in the greedy rows", flush=True)


main()
