"""A tiny random Llama with a tokenizer and a chat template, and what transformers makes of some questions, for test/model.

    python tools/references/make_chat.py        (torch 2, transformers 5, tokenizers; seconds, one thread)

Writes test/fixtures/graph/chat/: a complete chat model folder as transformers saves it (the template as chat_template.jinja) and
reference.json {prompts, ids, answers: [{tokens, text}]}: each prompt alone, greedy, float32, at most 24 new tokens. The answers are noise.
"""

import json
import pathlib

import tokenizers
import torch
import transformers

OUT = pathlib.Path(__file__).parents[2] / "test" / "fixtures" / "graph" / "chat"
MAX_NEW_TOKENS = 24
TEXT = [
    "How do I bake bread at home? Mix flour, water, salt and yeast, then wait.",
    "Tell me a short story about a lighthouse, please.",
    "What's the capital of Norway? It's Oslo, isn't it?",
    "She said: \"I can't come, but I'll write.\" Then she left.",
    "def add(a, b):\n    return a + b\n",
]
PROMPTS = [
    "How do I bake bread?",
    "Tell me a story.",
    "What's the capital of Norway?",
    "Hé, 你好 🙂",
    "  two  spaces\tand\na line <|user|> <pad>",
    "Write a function that adds a and b, please, and tell me how it works in one short sentence.",
]
TEMPLATE = (
    "{%- for message in messages %}{{ '<|' + message['role'] + '|>\\n' + message['content'] | trim + eos_token + '\\n' }}{% endfor %}"
    "{%- if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}"
)


def make_tokenizer() -> transformers.PreTrainedTokenizerFast:
    bpe = tokenizers.Tokenizer(tokenizers.models.BPE())
    bpe.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    special = ["<pad>", "<|end|>", "<|user|>", "<|assistant|>"]
    bpe.train_from_iterator(TEXT, tokenizers.trainers.BpeTrainer(vocab_size=320, special_tokens=special, initial_alphabet=alphabet, show_progress=False))
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=bpe, pad_token="<pad>", eos_token="<|end|>", extra_special_tokens=["<|user|>", "<|assistant|>"], padding_side="left"
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def make_model(tokenizer: transformers.PreTrainedTokenizerFast) -> torch.nn.Module:
    config = transformers.LlamaConfig(
        vocab_size=320,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    generator = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_((2 if name == "model.norm.weight" else 0.3 if parameter.dim() == 2 else 1) * torch.randn(parameter.shape, generator=generator))
    return model


def answers(model: torch.nn.Module, tokenizer, ids: list[list[int]]) -> list[dict]:
    results = []
    for row in ids:
        ids_of_row = torch.tensor([row])
        # A mask is given, or generate() would hide the <pad> that one prompt spells out.
        output = model.generate(input_ids=ids_of_row, attention_mask=torch.ones_like(ids_of_row), max_new_tokens=MAX_NEW_TOKENS, do_sample=False)
        tokens = output[0, len(row) :].tolist()
        stops = model.generation_config.eos_token_id
        if tokens[-1] in (stops if isinstance(stops, list) else [stops]):
            tokens.pop()
        results.append({"tokens": tokens, "text": tokenizer.decode(tokens, skip_special_tokens=True)})
    return results


def main() -> None:
    torch.set_num_threads(1)
    tokenizer = make_tokenizer()
    tokenizer.save_pretrained(OUT)
    model = make_model(tokenizer)
    chats = [[{"role": "user", "content": prompt}] for prompt in PROMPTS]
    texts = [tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True) for chat in chats]
    ids = [tokenizer(text, add_special_tokens=False).input_ids for text in texts]
    # Noise says <|end|> hardly ever: more stop tokens, taken from answers, make rows end at different steps.
    free = answers(model, tokenizer, ids)
    model.generation_config.eos_token_id = [tokenizer.eos_token_id] + [free[row]["tokens"][step] for row, step in ((1, 6), (3, 11))]
    model.save_pretrained(OUT)
    (OUT / "model.safetensors").chmod(0o644)
    stored = transformers.AutoModelForCausalLM.from_pretrained(OUT, dtype=torch.float32, attn_implementation="eager").eval()
    result = {"prompts": PROMPTS, "texts": texts, "ids": ids, "answers": answers(stored, tokenizer, ids)}
    (OUT / "reference.json").write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n")
    print([len(answer["tokens"]) for answer in result["answers"]], sum(file.stat().st_size for file in OUT.iterdir()), "bytes")


main()
