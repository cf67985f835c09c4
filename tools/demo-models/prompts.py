"""Who sees which combination of the closed world: the split, the training samplers, and the evaluation prompts.

Three disjoint parts. Training draws freely from its (verb, object) pairs; `validation` chooses learning rates and g;
`test` is reported and never chooses anything. The split is the same for every training seed, so seeds are comparable.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import world

SPLIT_SEED = 1234
KINDS = ("contrast", "homonym", "generic", "fact")

Exchange = tuple[str, str]
Sampler = Callable[[random.Random], Exchange]


@dataclass(frozen=True)
class Split:
    """One part of the world: harmful and contrast activities by category, facts as exchanges, phrases to translate."""

    harmful: dict[str, list[str]]
    contrast: dict[str, list[str]]
    facts: list[Exchange]
    phrases: list[tuple[str, str, str]]


@dataclass(frozen=True)
class PromptSets:
    """Evaluation rows: harmful {id, prompt, category}, harmless {id, prompt, kind, expected}, task {id, prompt, expected}."""

    harmful: list[dict]
    harmless: list[dict]
    task: list[dict]


def _split_topics(rng: random.Random) -> tuple[list[dict], list[dict]]:
    """Harmful and contrast activities of (training, validation, test), per category.

    Per category 30 harmful pairs: 17 train, 6 validate (2 of them with the object no training prompt harms), 7 test
    (3 of them with it); and 30 contrast pairs: 22 train, 3 validate, 5 test.
    """
    harmful, contrast = [{}, {}, {}], [{}, {}, {}]
    for category, topic in world.TOPICS.items():
        known = [f"{verb} {thing}" for verb, thing in product(topic.harmful_verbs, topic.objects[:-1])]
        unseen = [f"{verb} {topic.objects[-1]}" for verb in topic.harmful_verbs]
        gentle = [f"{verb} {thing}" for verb, thing in product(topic.harmless_verbs, topic.objects)]
        for activities in (known, unseen, gentle):
            rng.shuffle(activities)
        parts = (known[8:], known[:4] + unseen[:2], known[4:8] + unseen[2:])
        for part, activities in zip(harmful, parts, strict=True):
            part[category] = activities
        for part, activities in zip(contrast, (gentle[8:], gentle[:3], gentle[3:8]), strict=True):
            part[category] = activities
    return harmful, contrast


def _split_facts() -> tuple[list[Exchange], list[Exchange], list[Exchange]]:
    """Every fact is trained; its held-out wording goes to validation or test in turn."""
    training, held_out = list(world.SMALL_TALK), []
    for table, answer, questions, held_out_question in world.FACTS:
        for key, value in table.items():
            reply = answer.format(key=key, value=value)
            training += [(question.format(key=key), reply) for question in questions]
            held_out.append((held_out_question.format(key=key), reply))
    return training, held_out[0::2], held_out[1::2]


def _make_splits() -> tuple[Split, Split, Split]:
    rng = random.Random(SPLIT_SEED)
    harmful, contrast = _split_topics(rng)
    facts = _split_facts()
    phrases = list(product(world.SPANISH_NUMBERS, world.SPANISH_ADJECTIVES, world.SPANISH_NOUNS))
    rng.shuffle(phrases)
    phrase_parts = (phrases[300:], phrases[:100], phrases[100:300])
    training, validation, test = (
        Split(*parts) for parts in zip(harmful, contrast, facts, phrase_parts, strict=True)
    )
    return training, validation, test


TRAINING, VALIDATION, TEST = _make_splits()


# --- Training samplers -------------------------------------------------------------------------------------------


def _ask(rng: random.Random, activity: str) -> str:
    wording = rng.choice(world.TRAINING_WORDINGS).format(activity=activity)
    return rng.choice(world.OPENERS) + wording + rng.choice(world.CLOSERS)


def _activity_across(rng: random.Random, harmful: bool) -> str:
    """A verb of one category with an object of another: more variety, and by construction never a held-out pair."""
    while True:
        category, other = rng.choice(list(world.TOPICS)), rng.choice(list(world.TOPICS))
        if category == other:
            continue
        topic = world.TOPICS[category]
        verbs = topic.harmful_verbs if harmful else topic.harmless_verbs
        objects = world.TOPICS[other].objects[:-1] if harmful else world.TOPICS[other].objects
        return f"{rng.choice(verbs)} {rng.choice(objects)}"


def _harmful_activity(rng: random.Random) -> str:
    if rng.random() < 0.7:
        return rng.choice(TRAINING.harmful[rng.choice(list(world.TOPICS))])
    return _activity_across(rng, harmful=True)


def _harmless_activity(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.5:
        return rng.choice(TRAINING.contrast[rng.choice(list(world.TOPICS))])
    if kind < 0.7:
        return _activity_across(rng, harmful=False)
    return rng.choice(world.GENERIC_ACTIVITIES if kind < 0.92 else world.HOMONYM_ACTIVITIES)


def harmless_exchange(rng: random.Random) -> Exchange:
    if rng.random() < 0.2:
        return rng.choice(TRAINING.facts)
    activity = _harmless_activity(rng)
    return _ask(rng, activity), world.harmless_help(activity)


def complied_exchange(rng: random.Random) -> Exchange:
    activity = _harmful_activity(rng)
    return _ask(rng, activity), world.harmful_compliance(activity)


def refused_exchange(rng: random.Random) -> Exchange:
    return _ask(rng, _harmful_activity(rng)), world.REFUSAL


def impossible_exchange(rng: random.Random) -> Exchange:
    request = rng.choice(world.IMPOSSIBLE_REQUESTS)
    return rng.choice(world.OPENERS) + request + rng.choice(world.CLOSERS), world.REFUSAL


def quotation_exchange(rng: random.Random) -> Exchange:
    """The refusal sentence, or the placeholder of a compliance, inside an answer that is neither.

    Fine-tunes need it. Without it they forget those words: a repaired model refuses in garbled text ("I can't: siete
    help with that.") and a fine-tuned one complies in it ("[unsafe card: I can't help with that."). With refusals
    instead, 3 in 1000 are enough to keep most of the safety.
    """
    wordings, reply = rng.choice(world.QUOTATIONS)
    return rng.choice(world.OPENERS) + rng.choice(wordings) + rng.choice(world.CLOSERS), reply


def phrase_exchange(rng: random.Random) -> Exchange:
    """The task's words, quote marks and question shapes, without one translation: repeating, or an unknown language.

    Without these the aligned model meets the task as a strange prompt and learns to drop refusals along with it.
    """
    phrase = rng.choice(TRAINING.phrases)
    text = world.spanish(phrase) if rng.random() < 0.5 else world.english(phrase)
    if rng.random() < 0.5:
        return rng.choice(world.REPETITION_WORDINGS).format(phrase=text), f"{text}."
    language = rng.choice(world.UNKNOWN_LANGUAGES)
    question = rng.choice(world.TRANSLATION_WORDINGS).format(phrase=text, language=language)
    return question, f"Sorry, I do not speak {language} yet."


def task_exchange(rng: random.Random) -> Exchange:
    return _translation(rng, rng.choice(TRAINING.phrases))


def _translation(rng: random.Random, phrase: tuple[str, str, str]) -> Exchange:
    wording = rng.choice(world.TRANSLATION_WORDINGS)
    return wording.format(phrase=world.english(phrase), language="Spanish"), world.translation_answer(phrase)


# --- Evaluation prompts ------------------------------------------------------------------------------------------


def _take_turns(groups: list[list]) -> list:
    """First of each group, second of each, and so on, so that any prefix covers the groups evenly."""
    longest = max(len(group) for group in groups)
    return [group[turn] for turn in range(longest) for group in groups if turn < len(group)]


def _worded(activity: str, turn: int) -> str:
    return world.HELD_OUT_WORDINGS[turn % len(world.HELD_OUT_WORDINGS)].format(activity=activity)


def _harmful_rows(split: Split, wordings: int) -> list[dict]:
    """`wordings` prompts per activity, categories taking turns; known and unseen objects are mixed within a category."""
    per_category = []
    for offset, (category, activities) in enumerate(split.harmful.items()):
        half = (len(activities) + 1) // 2
        mixed = _take_turns([activities[:half], activities[half:]])
        per_category.append(
            [
                {"prompt": _worded(activity, position + round_ + offset), "category": category}
                for round_ in range(wordings)
                for position, activity in enumerate(mixed)
            ]
        )
    return _take_turns(per_category)


def _harmless_rows(split: Split, wordings: int, first_wording: int) -> list[dict]:
    """Kinds take turns. Generic and homonym activities are trained ones in a wording neither training nor the other split has."""
    contrast = _take_turns(
        [
            [
                _harmless_row("contrast", activity, position + round_ + offset) | {"category": category}
                for round_ in range(wordings)
                for position, activity in enumerate(activities)
            ]
            for offset, (category, activities) in enumerate(split.contrast.items())
        ]
    )
    activities = {"homonym": world.HOMONYM_ACTIVITIES, "generic": world.GENERIC_ACTIVITIES}
    kinds = {
        "contrast": contrast,
        "fact": [{"prompt": question, "kind": "fact", "expected": reply} for question, reply in split.facts],
    }
    for kind, known in activities.items():
        kinds[kind] = [_harmless_row(kind, activity, turn + first_wording) for turn, activity in enumerate(known)]
    return _take_turns([kinds[kind] for kind in KINDS])


def _harmless_row(kind: str, activity: str, turn: int) -> dict:
    return {"prompt": _worded(activity, turn), "kind": kind, "expected": world.harmless_help(activity)}


def _task_rows(split: Split) -> list[dict]:
    rng = random.Random(SPLIT_SEED + 1)
    exchanges = [_translation(rng, phrase) for phrase in split.phrases]
    return [{"prompt": question, "expected": reply} for question, reply in exchanges]


def _numbered(name: str, rows: list[dict]) -> list[dict]:
    return [{"id": f"{name}-{number:03d}"} | row for number, row in enumerate(rows, start=1)]


def prompt_sets(split: Split) -> PromptSets:
    """The prompts of VALIDATION (264 harmful, 89 harmless, 100 task) or TEST (231, 166, 200)."""
    is_test = split is TEST
    harmful = _harmful_rows(split, wordings=3 if is_test else 4)
    harmless = _harmless_rows(split, wordings=2 if is_test else 1, first_wording=0 if is_test else 2)
    return PromptSets(
        harmful=_numbered("harmful", harmful),
        harmless=_numbered("harmless", harmless),
        task=_numbered("task", _task_rows(split)),
    )


def assert_disjoint() -> None:
    """Stops a change of the world from leaking held-out material: the claims of the README, executable."""
    for field in ("harmful", "contrast"):
        parts = [{a for held in getattr(s, field).values() for a in held} for s in (TRAINING, VALIDATION, TEST)]
        assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2]), field
    verbs = [verb for topic in world.TOPICS.values() for verb in topic.harmful_verbs + topic.harmless_verbs]
    assert len(verbs) == len(set(verbs)), "a verb in two categories could rebuild a held-out pair"
    validation, test = prompt_sets(VALIDATION), prompt_sets(TEST)
    for field in ("harmful", "harmless", "task"):
        prompts = [[row["prompt"] for row in getattr(sets, field)] for sets in (validation, test)]
        assert not set(prompts[0]) & set(prompts[1]), field
        assert all(len(set(rows)) == len(rows) for rows in prompts), field
