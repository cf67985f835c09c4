"""Trains one family per seed, chooses on validation, measures on test.

    python train.py --seeds 0 1 2 --out families && python publish.py --families families

Each seed leaves `OUT/seed-N/` (the four model folders and the test answers) and `results/seed-N.json`. Deterministic
for one machine and one set of library versions; another processor may round differently and end elsewhere.
"""

import argparse
import json
import time
from pathlib import Path

import torch
from tokenizers import Tokenizer

import arithmetic
import evaluate
import family
import prompts
import tune
from arithmetic import Vector, Weights

RESULTS = Path(__file__).parent / "results"
SWEEP_G = [0, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 1, 1.25, 1.5, 2, 3]
SWEEP_DROP_RATES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
INTERPOLATIONS = [0.25, 0.5, 0.75]
CONTROL_SEED = 1000


def log(seconds: dict, stage: str, started: float) -> None:
    seconds[stage] = round(time.process_time() - started, 1)
    print(f"{stage}: {seconds[stage]} s of CPU", flush=True)


def train_stages(tokenizer: Tokenizer, seed: int, seconds: dict) -> tuple[Weights, Weights]:
    """(aligned, unaligned). The base is a step on the way and is not kept."""
    weights, kept = None, {}
    for name, stage in (("base", family.BASE), ("aligned", family.ALIGNED), ("unaligned", family.UNALIGNED)):
        started = time.process_time()
        weights = kept[name] = family.train_from(weights, tokenizer, stage, seed)
        log(seconds, name, started)
    return kept["aligned"], kept["unaligned"]


def tune_finetunes(
    aligned: Weights, vector: Vector, tokenizer: Tokenizer, seed: int, seconds: dict
) -> dict[str, tuple[tune.Trial, list[tune.Trial]]]:
    validation = prompts.prompt_sets(prompts.VALIDATION)

    def full(rate: float) -> tuple[Weights, Weights]:
        weights = family.train_from(aligned, tokenizer, family.SFT, seed, rate)
        return weights, weights

    def lora(rate: float) -> tuple[Weights, Vector]:
        adapter = family.train_lora(aligned, tokenizer, family.SFT_LORA, seed, rate)
        return adapter, arithmetic.fold_lora(aligned, adapter, family.LORA_ALPHA / family.LORA_RANK)

    chosen = {}
    for name, run, stage in (("sft", full, family.SFT), ("sft-lora", lora, family.SFT_LORA)):
        started = time.process_time()
        chosen[name] = tune.search_rate(stage.rate, run, vector, tokenizer, validation)
        log(seconds, f"{name}, every rate tried", started)
    return chosen


def published_g(trial: tune.Trial) -> float:
    """The trial's g, or 1 where validation found none: such a family is reported, and never shipped."""
    return trial.g if trial.g is not None else 1.0


def test_models(aligned: Weights, unaligned: Weights, vector: Vector, trials: dict[str, tune.Trial]) -> dict[str, Weights]:
    sft, lora = trials["sft"], trials["sft-lora"]
    return {
        "aligned": aligned,
        "unaligned": unaligned,
        "sft": sft.meaning,
        "resta": arithmetic.resta(sft.meaning, vector, published_g(sft)),
        "sft-lora": arithmetic.rounded(lora.meaning),
        "resta-lora": arithmetic.resta(lora.meaning, vector, published_g(lora)),
    }


def measure_sweeps(aligned: Weights, vector: Vector, trials: dict[str, tune.Trial], score) -> dict:
    """Every curve of the README on the test prompts. `score` maps weights to scores."""
    sweeps: dict = {"g": {}, "dare": {}, "random": [], "interpolation": []}
    for name, trial in trials.items():
        g_chosen = published_g(trial)
        sweeps["g"][name] = [{"g": g} | score(arithmetic.resta(trial.meaning, vector, g)) for g in SWEEP_G]
        sweeps["dare"][name] = [
            {"p": p, "g": g} | score(arithmetic.resta(_dropped(trial, aligned, p), vector, g))
            for g in (0.0, g_chosen)
            for p in SWEEP_DROP_RATES
        ]
    sft, g_chosen = trials["sft"], published_g(trials["sft"])
    noise = arithmetic.random_vector_like(vector, CONTROL_SEED)
    for g in (g_chosen, 2 * g_chosen):
        sweeps["random"].append({"g": g} | score(arithmetic.resta(sft.meaning, noise, g)))
    for share in INTERPOLATIONS:
        halfway = arithmetic.interpolate(sft.meaning, aligned, share)
        sweeps["interpolation"].append({"towardAligned": share} | score(halfway))
    return sweeps


def _dropped(trial: tune.Trial, aligned: Weights, drop_rate: float) -> Vector:
    return arithmetic.drop_and_rescale(trial.meaning, aligned, drop_rate, CONTROL_SEED)


def geometry(aligned: Weights, vector: Vector, trials: dict[str, tune.Trial]) -> dict:
    """Euclidean norms over all tensors, and the angle between what the fine-tune did and the safety vector."""
    deltas = {name: arithmetic.difference(trial.meaning, aligned) for name, trial in trials.items()}
    zero = {name: array * 0 for name, array in aligned.items()}
    return {
        "norm": {
            "aligned": arithmetic.norm(arithmetic.difference(aligned, zero)),
            "safetyVector": arithmetic.norm(vector),
            **{f"{name} - aligned": arithmetic.norm(delta) for name, delta in deltas.items()},
        },
        "cosineWithSafetyVector": {name: arithmetic.cosine(delta, vector) for name, delta in deltas.items()},
    }


def without_categories(scores: dict) -> dict:
    """Sweeps keep totals only: eleven categories at every point are noise, and most of the file."""
    harmful = {name: count for name, count in scores["harmful"].items() if name != "compliedByCategory"}
    harmless = {name: count for name, count in scores["harmless"].items() if name != "refusedByKind"}
    return scores | {"harmful": harmful, "harmless": harmless}


def write_family(folder: Path, tokenizer: Tokenizer, models: dict[str, Weights], adapter: Weights, answers: dict) -> None:
    for name in ("aligned", "unaligned", "sft"):
        family.write_model(folder / name, models[name], tokenizer)
    family.write_adapter(folder / "sft-lora", adapter)
    (folder / "answers.json").write_text(json.dumps(answers, ensure_ascii=False), encoding="utf-8")


def train_family(seed: int, out: Path) -> None:
    seconds: dict[str, float] = {}
    tokenizer, test = family.make_tokenizer(), prompts.prompt_sets(prompts.TEST)
    evaluate.assert_answers_fit(tokenizer, test)
    aligned, unaligned = train_stages(tokenizer, seed, seconds)
    vector = arithmetic.difference(aligned, unaligned)
    searches = tune_finetunes(aligned, vector, tokenizer, seed, seconds)
    trials = {name: best for name, (best, _) in searches.items()}

    started = time.process_time()
    models = test_models(aligned, unaligned, vector, trials)
    answers = {name: evaluate.answer_all(weights, tokenizer, test) for name, weights in models.items()}
    scores = {name: evaluate.score(answer, test) for name, answer in answers.items()}
    for name, counts in scores.items():
        print(f"test {name}: {evaluate.headline(counts)}", flush=True)
    sweeps = measure_sweeps(
        aligned, vector, trials, lambda weights: without_categories(evaluate.scores_of(weights, tokenizer, test))
    )
    log(seconds, "test, sweeps and controls", started)

    seconds["total"] = round(sum(seconds.values()), 1)
    result = {
        "version": 1,
        "seed": seed,
        "metOnValidation": {name: trial.meets_target() for name, trial in trials.items()},
        "g": {"resta": published_g(trials["sft"]), "resta-lora": published_g(trials["sft-lora"])},
        "rate": {name: trial.rate for name, trial in trials.items()},
        "validation": {name: [trial.summary() for trial in tried] for name, (_, tried) in searches.items()},
        "test": scores,
        "smallestMargin": {name: answer.smallest_margin for name, answer in answers.items()},
        "sweeps": sweeps,
        "geometry": geometry(aligned, vector, trials),
        "cpuSeconds": seconds,
    }
    texts = {name: {key: getattr(a, key) for key in ("harmful", "harmless", "task")} for name, a in answers.items()}
    write_family(out / f"seed-{seed}", tokenizer, models, trials["sft-lora"].trained, texts)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"seed-{seed}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, required=True, help="where the families are written, one folder per seed")
    options = parser.parse_args()
    # One thread: sums are then made in one order, and a family of this size gains nothing from more.
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    prompts.assert_disjoint()
    for seed in options.seeds:
        print(f"seed {seed}", flush=True)
        train_family(seed, options.out)


if __name__ == "__main__":
    main()
