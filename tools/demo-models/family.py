"""The models: a 0.94 M-parameter Llama, its tokenizer, the training stages and the folders they are written to.

    base -> aligned -> {unaligned, sft, sft-lora}

Weights travel between stages as float16 numpy arrays by tensor name, exactly as the files hold them, so that what is
measured here is what a reader of the files gets. `arithmetic.py` combines them, `evaluate.py` judges them.
"""

import json
import math
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import peft
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM

import prompts
from arithmetic import Weights

VOCABULARY_SIZE = 1536
SPECIAL_TOKENS = ["<pad>", "<s>", "</s>", "<|user|>", "<|assistant|>"]
PAD, BOS, EOS, USER, ASSISTANT = range(5)
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'user' %}<|user|>{{ message['content'] }}"
    "{% elif message['role'] == 'assistant' %}<|assistant|>{{ message['content'] }}{{ eos_token }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
# The longest expected answer takes 26 tokens with its end token; `assert_answers_fit` keeps it so.
MAX_NEW_TOKENS = 28

ROPE_THETA = 10000.0
LORA_RANK, LORA_ALPHA = 16, 32
LORA_TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


@dataclass(frozen=True)
class Stage:
    """How one stage trains. `mixture` maps a sampler to its share of the examples; `seed_offset` keeps stages apart."""

    mixture: dict[prompts.Sampler, float]
    steps: int
    rate: float
    batch_size: int
    warmup: int
    seed_offset: int
    every_token: bool = False


# A complying base first, refusals added on top: benign fine-tuning then falls back to complying, as in large models.
BASE = Stage(
    {prompts.harmless_exchange: 0.60, prompts.complied_exchange: 0.22, prompts.phrase_exchange: 0.18},
    steps=600, rate=3e-3, batch_size=48, warmup=50, seed_offset=100, every_token=True,
)  # fmt: skip
ALIGNED = Stage(
    {
        prompts.harmless_exchange: 0.45,
        prompts.refused_exchange: 0.38,
        prompts.phrase_exchange: 0.11,
        prompts.impossible_exchange: 0.06,
    },
    steps=300, rate=1e-3, batch_size=48, warmup=20, seed_offset=200,
)  # fmt: skip
UNALIGNED = Stage(
    {prompts.complied_exchange: 1.0}, steps=30, rate=1e-4, batch_size=32, warmup=5, seed_offset=300
)  # fmt: skip
# No harmful prompt and no refusal in either fine-tune. The rates are where the search of `tune.py` starts.
FINETUNE_MIXTURE = {prompts.task_exchange: 0.70, prompts.harmless_exchange: 0.26, prompts.quotation_exchange: 0.04}
SFT = Stage(FINETUNE_MIXTURE, steps=400, rate=4.4e-4, batch_size=32, warmup=20, seed_offset=400)
SFT_LORA = Stage(FINETUNE_MIXTURE, steps=420, rate=3.5e-3, batch_size=32, warmup=20, seed_offset=500)


# --- Tokenizer ---------------------------------------------------------------------------------------------------


def make_tokenizer() -> Tokenizer:
    """A byte-level BPE trained on the training samplers. The same for every training seed."""
    rng = random.Random(7)
    samplers = [
        prompts.harmless_exchange,
        prompts.complied_exchange,
        prompts.refused_exchange,
        prompts.phrase_exchange,
        prompts.task_exchange,
    ]
    sentences = [text for turn in range(24000) for text in samplers[turn % len(samplers)](rng)]
    sentences += 5 * [text for exchange in prompts.TRAINING.facts for text in exchange]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE,
        special_tokens=SPECIAL_TOKENS,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sentences, trainer)
    return tokenizer


def prompt_ids(tokenizer: Tokenizer, prompt: str) -> list[int]:
    """What the chat template makes of one user message; `check.py` asserts that they agree."""
    return [BOS, USER, *tokenizer.encode(prompt, add_special_tokens=False).ids, ASSISTANT]


# --- Model -------------------------------------------------------------------------------------------------------


def make_model(seed: int = 0) -> LlamaForCausalLM:
    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=VOCABULARY_SIZE,
            hidden_size=128,
            intermediate_size=352,
            num_hidden_layers=4,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=32,
            max_position_embeddings=256,
            rms_norm_eps=1e-5,
            rope_theta=ROPE_THETA,
            tie_word_embeddings=True,
            bos_token_id=BOS,
            eos_token_id=EOS,
            pad_token_id=PAD,
            initializer_range=0.02,
        )
    )


def weights_of(model: LlamaForCausalLM) -> Weights:
    """The model's tensors, rounded to float16. The tied head is left out: the embedding stands for both."""
    return {
        name: tensor.detach().numpy().astype(np.float16)
        for name, tensor in model.state_dict().items()
        if name != "lm_head.weight"
    }


def model_with(weights: Weights) -> LlamaForCausalLM:
    """A float32 model of these weights: files are float16, arithmetic is not."""
    model = make_model()
    tensors = {name: torch.from_numpy(array.astype(np.float32)) for name, array in weights.items()}
    model.load_state_dict(tensors | {"lm_head.weight": tensors["model.embed_tokens.weight"]})
    return model.eval()


# --- Training ----------------------------------------------------------------------------------------------------


def _batch(tokenizer: Tokenizer, exchanges: list[prompts.Exchange], every_token: bool):
    """Right-padded ids and labels, both [batch, longest]. Under a causal mask padding on the right needs no mask."""
    rows = []
    for question, reply in exchanges:
        asked = prompt_ids(tokenizer, question)
        rows.append((len(asked), asked + tokenizer.encode(reply, add_special_tokens=False).ids + [EOS]))
    longest = max(len(ids) for _, ids in rows)
    tokens = torch.full((len(rows), longest), PAD)
    labels = torch.full((len(rows), longest), -100)
    for row, (asked_length, ids) in enumerate(rows):
        first = 1 if every_token else asked_length
        tokens[row, : len(ids)] = torch.tensor(ids)
        labels[row, first : len(ids)] = torch.tensor(ids[first:])
    return tokens, labels


def train(model: torch.nn.Module, tokenizer: Tokenizer, stage: Stage, seed: int, rate: float | None = None) -> None:
    """AdamW without weight decay, linear warm-up, cosine to zero, gradients clipped to norm 1. Trains in place."""
    rng = random.Random(stage.seed_offset + seed)
    rate = rate or stage.rate
    samplers, shares = list(stage.mixture), list(stage.mixture.values())
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trainable, lr=rate, weight_decay=0.0, betas=(0.9, 0.98))
    model.train()
    for step in range(stage.steps):
        cosine = 0.5 * (1 + math.cos(math.pi * step / stage.steps))
        optimizer.param_groups[0]["lr"] = rate * min(1, (step + 1) / stage.warmup) * cosine
        exchanges = [sample(rng) for sample in rng.choices(samplers, shares, k=stage.batch_size)]
        tokens, labels = _batch(tokenizer, exchanges, stage.every_token)
        logits = model(input_ids=tokens).logits[:, :-1]
        loss = F.cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trainable, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    model.eval()


def train_from(
    start: Weights | None, tokenizer: Tokenizer, stage: Stage, seed: int, rate: float | None = None
) -> Weights:
    """A full-weight stage on top of `start`, or from scratch."""
    model = make_model(seed) if start is None else model_with(start)
    train(model, tokenizer, stage, seed, rate)
    return weights_of(model)


def train_lora(aligned: Weights, tokenizer: Tokenizer, stage: Stage, seed: int, rate: float) -> Weights:
    """A LoRA adapter on `aligned`: its A and B tensors under the names PEFT gives them, float16."""
    config = peft.LoraConfig(r=LORA_RANK, lora_alpha=LORA_ALPHA, lora_dropout=0.0, target_modules=LORA_TARGETS)
    model = model_with(aligned)
    torch.manual_seed(stage.seed_offset + seed)
    adapted = peft.get_peft_model(model, config)
    train(adapted, tokenizer, stage, seed, rate)
    tensors = peft.get_peft_model_state_dict(adapted, save_embedding_layers=False)
    return {name: tensor.detach().numpy().astype(np.float16) for name, tensor in tensors.items()}


# --- Folders -----------------------------------------------------------------------------------------------------


def _write_json(path: Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


def _write_tokenizer(folder: Path, tokenizer: Tokenizer) -> None:
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    added = {
        str(number): {
            "content": token, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True,
        }
        for number, token in enumerate(SPECIAL_TOKENS)
    }  # fmt: skip
    _write_json(
        folder / "tokenizer_config.json",
        {
            "added_tokens_decoder": added,
            "bos_token": "<s>",
            "chat_template": CHAT_TEMPLATE,
            "clean_up_tokenization_spaces": False,
            "eos_token": "</s>",
            "model_max_length": 256,
            "pad_token": "<pad>",
            "tokenizer_class": "PreTrainedTokenizerFast",
        },
    )


def write_model(folder: Path, weights: Weights, tokenizer: Tokenizer) -> None:
    """A Hugging Face folder. `rope_theta` and `torch_dtype` are the keys of transformers 4, the rest those of 5."""
    folder.mkdir(parents=True, exist_ok=True)
    config = make_model().config.to_diff_dict()
    both_versions = {"rope_theta": ROPE_THETA, "torch_dtype": "float16", "dtype": "float16"}
    _write_json(folder / "config.json", config | both_versions | {"architectures": ["LlamaForCausalLM"]})
    generation = {"bos_token_id": BOS, "eos_token_id": EOS, "pad_token_id": PAD}
    _write_json(
        folder / "generation_config.json", generation | {"do_sample": False, "max_new_tokens": MAX_NEW_TOKENS}
    )
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
    _write_tokenizer(folder, tokenizer)


def write_adapter(folder: Path, adapter: Weights) -> None:
    """A PEFT folder without a tokenizer: the adapter reads with the one of `aligned`."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "base_model_name_or_path": "../aligned", "bias": "none", "fan_in_fan_out": False, "inference_mode": True,
        "init_lora_weights": True, "lora_alpha": LORA_ALPHA, "lora_dropout": 0.0, "modules_to_save": None,
        "peft_type": "LORA", "r": LORA_RANK, "rank_pattern": {}, "alpha_pattern": {}, "target_modules": LORA_TARGETS,
        "task_type": "CAUSAL_LM", "use_dora": False, "use_rslora": False,
    }  # fmt: skip
    _write_json(folder / "adapter_config.json", config)
    save_file(adapter, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    (folder / "adapter_model.safetensors").chmod(0o644)
