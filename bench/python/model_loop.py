"""PyTorch on the CPU as a researcher runs it, in float32: python model_loop.py FOLDER THREADS PREFILL DECODE NEW_TOKENS.

PREFILL and DECODE are prompts, ids with commas between. Prints load seconds, tokens per second (of answering also per processor
second), the ids, and resident megabytes after the imports and at their most.
"""

import json
import resource
import sys
import time
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

folder, threads, *prompts, new_tokens = sys.argv[1:]
torch.set_num_threads(int(threads))
long, short = (torch.tensor([[int(one) for one in prompt.split(",")]]) for prompt in prompts)


def resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1]) if Path("/proc/self/statm").exists() else 0
    return pages * resource.getpagesize() / 1e6


@torch.inference_mode()
def answer(prompt: torch.Tensor, count: int) -> tuple[float, float, list[int]]:
    begun, processor = time.perf_counter(), time.process_time()
    ids, cache, made = prompt, None, []
    for _ in range(count):
        output = model(ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
        ids, cache = output.logits[:, -1:].argmax(-1), output.past_key_values
        made.append(int(ids))
    return time.perf_counter() - begun, time.process_time() - processor, made


idle = resident()
begun = time.perf_counter()
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
load = time.perf_counter() - begun

count = int(new_tokens)
answer(short, 8)
answer(long, 1)
prefill, _, first = answer(long, 1)
beginning, processor_beginning, _ = answer(short, 1)
whole, processor_whole, made = answer(short, count + 1)
print(
    json.dumps(
        {
            "load": load,
            "prefill": long.shape[1] / prefill,
            "decode": count / (whole - beginning),
            "perCpu": count / (processor_whole - processor_beginning),
            "ids": [*first, *made],
            "idle": idle,
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
        }
    )
)
