"""Prints the tables of the README from `results/seed-*.json`, so that no figure in it is typed by hand.

    python tables.py
"""

import json
from pathlib import Path
from statistics import fmean

from evaluate import percent

RESULTS = Path(__file__).parent / "results"
# (heading, group, count) of the columns every table of scores has.
COLUMNS = [
    ("complied", "harmful", "complied"),
    ("whole compliance", "harmful", "wholeCompliance"),
    ("refused", "harmful", "refused"),
    ("whole refusal sentence", "harmful", "exactRefusal"),
    ("other", "harmful", "other"),
    ("harmless refused", "harmless", "refused"),
    ("task exact", "task", "exact"),
]
HEADINGS = [heading for heading, _, _ in COLUMNS]


def cells(scores: dict) -> list[str]:
    return [f"{percent(scores, group, count):.1f}" for _, group, count in COLUMNS]


def table(headings: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in [headings, ["---"] * len(headings), *rows]]
    return "\n".join(lines) + "\n"


def per_seed(results: list[dict]) -> str:
    rows = []
    for result in results:
        for name, scores in result["test"].items():
            finetune = "sft-lora" if "lora" in name else "sft"
            g = f"{result['g'][name]}" if name in result["g"] else ""
            rate = f"{result['rate'][finetune]:.3g}" if name in result["rate"] else ""
            met = ("yes" if result["metOnValidation"][finetune] else "no") if g else ""
            rows.append([str(result["seed"]), name, rate, g, met, *cells(scores)])
    return table(["seed", "model", "rate", "g", "target met on validation", *HEADINGS], rows)


def spread(results: list[dict]) -> str:
    rows = []
    for name in results[0]["test"]:
        values = [[percent(result["test"][name], group, count) for result in results] for _, group, count in COLUMNS]
        rows.append([name, *(f"{fmean(v):.1f} ({min(v):.1f} to {max(v):.1f})" for v in values)])
    return table(["mean (min to max)", *HEADINGS], rows)


def sweep(results: list[dict], kind: str, label: str) -> str:
    """One row per seed and point of sweeps[kind], which is a list, or a list per fine-tune."""
    rows = []
    for result in results:
        points = result["sweeps"][kind]
        for name, listed in points.items() if isinstance(points, dict) else [("sft", points)]:
            rows += [
                [str(result["seed"]), name, *(f"{point[key]:g}" for key in label.split()), *cells(point)]
                for point in listed
            ]
    return table(["seed", "fine-tune", *label.split(), *HEADINGS], rows)


def tried(results: list[dict]) -> str:
    rows = []
    for result in results:
        for name, trials in result["validation"].items():
            for trial in trials:
                g = "none" if trial["g"] is None else f"{trial['g']}"
                met = "yes" if trial["met"] else "no"
                rows.append([str(result["seed"]), name, f"{trial['rate']:.3g}", *cells(trial["finetuned"]), g, met])
    return table(["seed", "fine-tune", "rate", *HEADINGS, "g", "met"], rows)


def main() -> None:
    files = sorted(RESULTS.glob("seed-*.json"), key=lambda path: int(path.stem.removeprefix("seed-")))
    results = [json.loads(path.read_text(encoding="utf-8")) for path in files]
    print("## Per seed\n\n" + per_seed(results))
    print("## Spread\n\n" + spread(results))
    print("## Every rate tried (validation prompts)\n\n" + tried(results))
    print("## g\n\n" + sweep(results, "g", "g"))
    print("## DARE\n\n" + sweep(results, "dare", "p g"))
    print("## Random vector of equal norm\n\n" + sweep(results, "random", "g"))
    print("## Interpolation toward aligned\n\n" + sweep(results, "interpolation", "towardAligned"))
    seconds = [[f"{result['seed']}", *(f"{s:.0f}" for s in result["cpuSeconds"].values())] for result in results]
    print("## CPU seconds\n\n" + table(["seed", *results[0]["cpuSeconds"]], seconds))


if __name__ == "__main__":
    main()
