"""Scores of token ids by PyTorch, and distributions of a draw by transformers, for test/model.

    python tools/references/make_scores.py        (torch 2, transformers 5; seconds, one thread)

Reads checkpoints of make_families.py and make_chat.py; writes test/fixtures/graph/scores.json:
{models: {<name>: {items, next, texts}}, draws}. Log-probabilities are natural, by log_softmax in float64 of float32 logits, each
sequence alone and unpadded, eager attention:
  items  [{prompt, continuations, logProbs: per continuation per token}]
  next   [{prompt, top: [[id, logProb] x 5]}]
  texts  [{ids, window, stride, logProb, perplexity}], the loop of "Perplexity of fixed-length models" in the documentation of transformers, each
         window's loss weighed by the tokens that it scores; one text is longer than the model's positions
  draws  [{logits, temperature, topK, topP, probabilities}] by the warpers of transformers in their order
"""

import json
import pathlib

import torch
import transformers
from transformers.generation.logits_process import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

FIXTURES = pathlib.Path(__file__).parents[2] / "test" / "fixtures" / "graph"
NAMES = ["tied", "untied-biases", "chat"]
DRAWS = [(1.0, None, None), (0.7, None, None), (2.5, None, None), (1.0, 3, None), (1.0, None, 0.8), (1.3, 6, 0.7), (1.0, None, 0.01), (0.5, 8, 0.95)]


def log_probs(model: torch.nn.Module, ids: list[int]) -> torch.Tensor:
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0].double().log_softmax(-1)


def continuation(model: torch.nn.Module, prompt: list[int], ids: list[int]) -> list[float]:
    found = log_probs(model, prompt + ids)
    return [found[len(prompt) - 1 + i, token].item() for i, token in enumerate(ids)]


def text(model: torch.nn.Module, ids: list[int], window: int, stride: int) -> dict:
    total, previous_end = 0.0, 0
    for begin in range(0, len(ids), stride):
        end = min(begin + window, len(ids))
        scored = end - previous_end
        inputs = torch.tensor([ids[begin:end]])
        targets = inputs.clone()
        targets[:, :-scored] = -100
        count = (targets[:, 1:] != -100).sum().item()
        with torch.no_grad():
            total -= model(inputs, labels=targets).loss.double().item() * count
        previous_end = end
        if end == len(ids):
            break
    perplexity = torch.tensor(-total / (len(ids) - 1), dtype=torch.float64).exp().item()
    return {"ids": ids, "window": window, "stride": stride, "logProb": total, "perplexity": perplexity}


def scores(name: str, generator: torch.Generator) -> dict:
    model = transformers.AutoModelForCausalLM.from_pretrained(FIXTURES / name, dtype=torch.float32, attn_implementation="eager").eval()
    draw = lambda n: torch.randint(3, model.config.vocab_size, (n,), generator=generator).tolist()
    positions = model.config.max_position_embeddings
    prompts = [draw(n) for n in (5, 31, 12, 1)]
    # Letters of multiple choice, answers of unlike lengths, and one that begins as another does.
    continuations = [[draw(1) for _ in range(4)], [draw(n) for n in (3, 7, 1)], [draw(4), draw(2)], [draw(6)]]
    continuations[2].append(continuations[2][0] + draw(3))
    return {
        "items": [
            {"prompt": prompt, "continuations": own, "logProbs": [continuation(model, prompt, ids) for ids in own]}
            for prompt, own in zip(prompts, continuations)
        ],
        "next": [
            {"prompt": prompt, "top": [[i.item(), p.item()] for p, i in zip(*log_probs(model, prompt)[-1].topk(5))]} for prompt in prompts
        ],
        "texts": [
            text(model, draw(40), positions, positions // 2),
            text(model, draw(2 * positions + 77), positions, positions // 2),
            text(model, draw(75), 16, 5),
        ],
    }


def probabilities(logits: torch.Tensor, temperature: float, top_k: int | None, top_p: float | None) -> list[float]:
    row = TemperatureLogitsWarper(temperature)(None, logits[None])
    if top_k is not None:
        row = TopKLogitsWarper(top_k)(None, row)
    if top_p is not None:
        row = TopPLogitsWarper(top_p)(None, row)
    return row[0].softmax(-1).tolist()


def main() -> None:
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(17)
    models = {name: scores(name, generator) for name in NAMES}
    logits = 2 * torch.randn(12, generator=generator).float()
    # Told as float32 and computed in float64.
    draws = [
        {"logits": logits.tolist(), "temperature": t, "topK": k, "topP": p, "probabilities": probabilities(logits.double(), t, k, p)} for t, k, p in DRAWS
    ]
    path = FIXTURES / "scores.json"
    path.write_text(json.dumps({"models": models, "draws": draws}) + "\n")
    print(path.stat().st_size, "bytes", [[round(one["perplexity"], 1) for one in model["texts"]] for model in models.values()])


main()
