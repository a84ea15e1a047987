"""The exercises of module 1: references, cases, typical mistakes, hints; judges.py judges the open ones."""

from __future__ import annotations

from types import SimpleNamespace

import torch

from helpers.course import Case, Exercise, solution_from, typical

from . import judges
from . import mistakes_merges as merges
from . import mistakes_vectors as vectors
from .family import HIDDEN, load_family

SHAPES = {"model.embed_tokens.weight": (5, 4), "model.layers.0.mlp.weight": (3, 4), "model.norm.weight": (4,),
          "lm_head.weight": (5, 4)}  # fmt: skip
CLOSE = 1e-5


def _made(seed, base=None, size=0.1, dtype=torch.float32):
    draw = torch.Generator().manual_seed(seed)
    return {name: ((base[name].float() if base else 0) + (size if base else 1) * torch.randn(shape, generator=draw)
                   ).to(dtype) for name, shape in SHAPES.items()}


def _vlm(seed, base, dtype=torch.float32):
    inside = {vectors.inside(name): tensor for name, tensor in _made(seed, base, dtype=dtype).items()}
    return inside | {"model.vision_tower.weight": torch.ones(2, 2, dtype=dtype)}


def _injection(seed, scales, dtype=torch.float32):
    base = _made(seed)
    return base, _vlm(seed + 1, base, dtype), [_made(seed + 2 + place, base) for place in range(len(scales))], scales


def _deltas(seed, count=2, shape=(6, 5)):
    draw = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=draw) * (1 + place) for place in range(count)]


def _pruning(seed, keep, rescale=True, shape=(40, 5)):
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=draw), keep, torch.rand(shape, generator=draw), rescale


def _search(*rows, vlm=1.0):
    scales, skill, english = (torch.tensor(column) for column in zip(*rows))
    return scales, skill, english, vlm


def _relatives():
    """Return (why, base, model) of fine-tuned models and of strangers, a few tensors of each."""
    ours, theirs = load_family(), load_family(HIDDEN)
    names = [name for name in ours.base if "layers.1." not in name]
    base = {name: ours.base[name] for name in names}
    own = {skill: {name: expert[name] for name in names} for skill, expert in ours.experts.items()}
    foreign = {name: theirs.experts["spanish"][name] for name in names}
    order = torch.randperm(len(base["lm_head.weight"]), generator=torch.Generator().manual_seed(0))
    shuffled = own["spanish"] | {name: own["spanish"][name][order] for name in names if "embed" in name}
    return [("an expert of this base", base, own["spanish"]), ("trained for long", base, own["two_steps"]),
            ("another family", base, foreign), ("its vocabulary in another order", base, shuffled),
            ("the base itself, in half precision", base, {name: base[name].half() for name in names}),
            ("a stranger with our embedding", base, foreign | {name: base[name] for name in names if "embed" in name}),
            *((f"a stranger's {part} alone", base, own["format"] | {
                name: foreign[name] for name in names if part in name})
              for part in ("layers.2.self_attn.o_proj", "layers.0.mlp.gate_proj", "lm_head"))]  # fmt: skip


def _solution(name):
    return solution_from("skill_injection", name)


_BY_HAND = [torch.tensor([1.0, 1.0, -1.0, 0.5]), torch.tensor([1.0, -3.0, 0.25, 0.0])]
_OUTVOTED = [torch.tensor([4.0, -1.0, 1.0, -1.0]), torch.tensor([-3.0, 1.0, 1.0, -1.0]),
             torch.tensor([-2.0, 1.0, 0.5, 3.0])]
_EQUALS = [torch.tensor([1.0, -1.0, 1.0]), torch.tensor([-1.0, 1.0, 2.0])]
_DRAWN, _DRAWS = torch.tensor([1.0, 2.0, -2.0, 4.0]), torch.tensor([0.5, 0.25, 0.75, 0.0])

exercises = SimpleNamespace(
    task_vector=Exercise(
        "task_vector", "The task vector", 1, vectors.difference,
        cases=[Case((_made(1), _made(2, _made(1))), "fine-tuned"), Case((_made(3), _made(3)), "nothing learnt"),
               Case((_made(4), _made(5)), "far away")],
        mistakes=typical(vectors.backwards, vectors.expert_itself, vectors.matrices_alone, vectors.relative,
                         vectors.unit_length),
        hints=["A task vector has one tensor for each tensor of the base, under the same name.",
               "It points from the base to the expert.", "A dict comprehension over base does it in one line."],
        tolerance=CLOSE, solution=_solution("task_vector")),
    inject=Exercise(
        "inject", "Several skills at once", 2, vectors.injected,
        cases=[Case(_injection(10, [0.5]), "one expert"), Case(_injection(20, [0.4, 0.9]), "two experts"),
               Case(_injection(30, [1.0, -0.5, 0.3]), "one skill is taken away"),
               Case(_injection(40, [0.7, 0.2], torch.float16), "a VLM in half precision")],
        mistakes=typical(vectors.onto_the_base, vectors.mixed, vectors.whole_experts, vectors.without_eyes,
                         vectors.without_head, vectors.averaged),
        hints=["Start from dict(vlm): what you do not touch stays the VLM's.",
               'The VLM says "model.language_model." where the base says "model."; lm_head.weight has no prefix.',
               "Add scale * (expert - base) for every expert in float32, then go back with .to(vlm[name].dtype)."],
        tolerance=1e-3, solution=_solution("inject")),
    noise=Exercise(
        "noise", "How much noise DARE adds", 2, vectors.noise,
        cases=[Case((torch.tensor([1.0, -2.0, 2.0]), 0.5), "by hand: 9"), Case((_deltas(1)[0], 0.1), "few are kept"),
               Case((_deltas(2)[1], 0.9), "most are kept"), Case((_deltas(3)[0], 1.0), "all are kept")],
        mistakes=typical(vectors.noise_upside_down, vectors.noise_without_rescale, vectors.noise_of_second_moment,
                         vectors.noise_as_length, vectors.noise_per_entry),
        hints=["One entry d becomes d / p with chance p, else 0. What is its variance?",
               "Mean of the square minus square of the mean: p (d / p)^2 - d^2.",
               "d^2 (1 - p) / p, summed over entries."],
        tolerance=1e-4, solution=_solution("noise")),
    mended=Exercise(
        "mended", "The forgotten rescale", 2, vectors.pruned,
        cases=[Case(_pruning(1, 0.2), "a fifth kept"), Case(_pruning(2, 0.9), "most kept"),
               Case(_pruning(3, 0.5, rescale=False), "the caller wants no rescale"),
               Case(_pruning(4, 1.0), "all kept"),
               Case((_DRAWN, 0.5, _DRAWS, True), "a draw equal to keep is dropped")],
        mistakes=typical(vectors.as_shipped, vectors.rescaled_always, vectors.rescaled_by_dropped,
                         vectors.drops_what_it_should_keep, vectors.length_ratio),
        hints=["Which line computes something that nobody uses?",
               "torch.div returns a new tensor and leaves its arguments as they are.",
               "What is carried: the dot product with the tensor, over that of the tensor with itself."],
        tolerance=1e-4, solution=_solution("mended")),
    ties=Exercise(
        "ties", "TIES in three steps", 3, merges.ties,
        cases=[Case((_BY_HAND, [1.0, 0.5], 1.0), "by hand, nothing trimmed"),
               Case((_BY_HAND, [1.0, 0.25], 0.5), "half trimmed"),
               Case((_OUTVOTED, [1.0, 1.0, 1.0], 1.0), "one against two"),
               Case((_deltas(5, 3), [1.0, 0.4, 0.7], 0.4), "three vectors"),
               Case((_deltas(6, 2, (9,)), [0.3, 1.0], 0.7), "one dimension"),
               Case((_EQUALS, [1.0, 1.0], 0.5), "equal sizes, equal weights"),
               Case((_EQUALS, [1.0, 1.0], 1.0), "sums of zero"),
               Case((_deltas(7), [1.0, -0.6], 0.6), "a negative weight"),
               Case((_BY_HAND, [1.0, 1.0], 0.1), "at least one stays")],
        mistakes=typical(merges.ties_untrimmed, merges.ties_trimmed_together, merges.ties_elects_unweighted,
                         merges.ties_counts_heads, merges.ties_mean, merges.ties_without_election,
                         merges.ties_keeps_the_small, merges.ties_keeps_all_equals),
        hints=["Trim every vector by itself: the first `count` of torch.sort(delta.abs().flatten(), descending=True, "
               "stable=True).indices stay. topk does not promise which of equal entries it keeps.",
               "The elected sign is that of the sum of weight * trimmed; count a sum of zero as plus.",
               "Add the weighted entries whose sign is the elected one: torch.where(v.sign() == sign, v, 0.0)."],
        tolerance=CLOSE, solution=_solution("ties")),
    best_scale=Exercise(
        "best_scale", "The best scale on validation", 2, merges.best_scale,
        cases=[Case(_search((0.5, 0.3, 1.0), (1.0, 0.7, 0.97), (1.5, 0.9, 0.9)), "a condition"),
               Case(_search((0.5, 0.3, 0.9), (1.0, 0.7, 0.87), (1.5, 0.9, 0.8), vlm=0.9), "the VLM is right 90 %"),
               Case(_search((0.8, 0.6, 0.96), (1.0, 0.6, 0.99), (1.2, 0.6, 0.96)), "equals"),
               Case(_search((0.5, 0.8, 0.5), (1.0, 0.4, 0.7), (1.5, 0.2, 0.6)), "none keeps enough"),
               Case(_search((0.0, 0.0, 1.0), (0.6, 0.2, 1.0), (1.2, 0.25, 0.96)), "a small gain counts"),
               Case(_search((0.5, 0.8, 0.5), (1.0, 0.0, 0.97), (1.5, 0.0, 0.96)), "nothing gained")],
        mistakes=typical(merges.best_ignores_english, merges.best_keeps_absolute, merges.best_keeps_most,
                         merges.best_of_the_sum, merges.best_largest_of_equals, merges.best_or_first),
        hints=["Which scales keep 0.95 * vlm_english? Only those may compete.",
               "Give the others a score below any other, then take the argmax: it finds the first of equals.",
               "If none keeps enough, the one with the most English wins."],
        tolerance=CLOSE, solution=_solution("best_scale")),
    made_from=Exercise(
        "made_from", "A stranger among the experts", 3, merges.made_from,
        cases=[Case((base, model), why) for why, base, model in _relatives()],
        mistakes=typical(merges.compares_names_and_shapes, merges.asks_for_equal_weights, merges.looks_at_one_layer,
                         merges.looks_at_the_embedding, merges.too_strict),
        hints=["Measure how far each matrix moved, in lengths of the base's matrix.",
               "Unrelated matrices of equal length lie about 1.4 lengths apart; the longest training here moves .65.",
               "All matrices have to be near: one that is far (a vocabulary in another order) is enough to say no."],
        solution=_solution("made_from")),
    part=Exercise(
        "part", "The tensors that matter", 3, judge=judges.carries_the_skill, mistakes=judges.PART_MISTAKES,
        hints=["Look at the map in the notebook: which single part does most, and what do attention and MLP do?",
               "Parts that carry nothing alone may be needed by the others. Which tensors are small and read by all?",
               "The first layer, attention everywhere, embeddings and head."],
        solution=_solution("part")),
    champion=Exercise(
        "champion", "A merge of your own", 4, judge=judges.wins, mistakes=typical(*judges.CHAMPION_MISTAKES),
        cases=[Case((_made(50), _vlm(51, _made(50)), _made(52, _made(50))), "mistakes are told apart here")],
        hints=["Try what you know on the shipped family's validation images first; the notebook's frontier is a map.",
               "Task arithmetic keeps the VLM whole, the graft keeps nothing of its language. What lies between?",
               "linear interpolation, most of the way to the expert."],
        solution=_solution("champion")),
)  # fmt: skip
