"""The exercises of module 2: references, cases, typical mistakes, hints; judges.py judges the open ones."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from helpers.course import Case, Exercise, solution_from, typical

from . import judges
from . import mistakes_agreement as tables
from . import mistakes_votes as votes
from .agreement import chance_corrected_agreement, joint_counts
from .answers import AnswerTable
from .simulate import simulate


def _random_answers(seed, questions, models, n_options, missing=0.2):
    rng = np.random.default_rng(seed)
    answers = rng.integers(0, n_options, (questions, models))
    return np.where(rng.random(answers.shape) < missing, -1, answers)


def _fair_majority(answers, n_options):
    table = AnswerTable(answers, n_options)
    counts = (table.answers[:, :, None] == np.arange(n_options)).sum(axis=1)
    best = (counts == counts.max(axis=1, keepdims=True)) & (counts > 0)
    return best / np.maximum(best.sum(axis=1, keepdims=True), 1)


def _agreement(answers):
    both, same = joint_counts(AnswerTable(answers, 26))
    return np.where(both > 0, same / np.maximum(both, 1), np.nan)


def _update(agreement, skills):
    return np.array([sum(agreement[i, j] * skills[j] for j in range(len(skills)) if j != i)
                     / sum(skills[j] ** 2 for j in range(len(skills)) if j != i) for i in range(len(skills))])


def _agreement_case(seed, n_models):
    table = simulate(np.random.default_rng(seed).uniform(0.4, 0.9, n_models), 4, 300, seed)
    agreement = chance_corrected_agreement(table)
    np.fill_diagonal(agreement, 1.0)
    return agreement, np.random.default_rng(seed + 1).uniform(0.2, 0.9, n_models)


def _conditional_case(seed, n_models, n_options, questions=12):
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(n_options), (n_models, n_models, n_options))  # (i, j, a, s)
    return rng.integers(0, n_options, (questions, n_models)), shares.transpose(0, 3, 1, 2)


def _overturn_case(seed, n_models, n_options, missing):
    answers = _random_answers(seed, 60, n_models, n_options, missing)
    return answers, np.random.default_rng(seed + 50).integers(0, n_options, 60)


CLOSE = 1e-5  # float32 is right too
_ROW = [[0, 0, 1], [0, 1, -1], [-1, -1, 2], [-1, -1, -1], [2, 1, 0]]

exercises = SimpleNamespace(
    majority=Exercise(
        "majority", "Majority with fair ties", 1, _fair_majority,
        cases=[Case((np.array(_ROW), 3), "a majority, ties, blanks"),
               Case((_random_answers(1, 40, 4, 2), 2), "two options"),
               Case((_random_answers(2, 40, 5, 6), 6), "six options"),
               Case((_random_answers(3, 30, 3, 4, 0.7), 4), "mostly blank")],
        mistakes=typical(votes.first_of_tied, votes.vote_shares, votes.empty_rows_share, votes.minus_one_is_last,
                         votes.tied_each_full),
        hints=["Count the votes of each option first: compare answers[:, :, None] with np.arange(n_options).",
               "The best options of a question are those whose votes equal the row's maximum, if that is above 0.",
               "Divide the mask of best options by how many there are in its row (by 1 where there are none)."],
        tolerance=CLOSE, solution=solution_from("aggregation", "majority")),
    weights=Exercise(
        "weights", "OW's weights from accuracies", 1, votes.ow_weights,
        cases=[Case((np.array([0.25, 0.5, 0.9, 0.1]), 4), "chance, good, below chance"),
               Case((np.array([0.0, 1.0, 0.5]), 2), "certain models"),
               Case((np.linspace(0.05, 0.95, 7), 10), "ten options")],
        mistakes=typical(votes.weights_without_options, votes.weights_times_options, votes.weights_unclipped,
                         votes.weights_upside_down, votes.weights_never_negative, votes.weights_in_bits),
        hints=["Clip the accuracies to [0.001, 0.999] before anything else.",
               "The weight is the log of how much likelier the answer is if its option is right than if another is.",
               "P(a | s = a) = x and P(a | s other) = (1 - x) / (K - 1): take the log of their ratio."],
        tolerance=CLOSE, solution=solution_from("aggregation", "weights")),
    agreement=Exercise(
        "agreement", "The agreement table with blanks", 2, _agreement,
        cases=[Case((np.array([[0, 0, -1], [1, 0, -1], [2, 2, -1], [-1, 1, 3], [1, -1, 1]]),), "blanks"),
               Case((_random_answers(4, 50, 5, 3),), "five models"),
               Case((np.array([[0, -1], [-1, 1]]),), "no shared question"),
               Case((_random_answers(5, 30, 4, 2, 0.0),), "no blanks"),
               Case((np.array([[0, -1, 1], [0, -1, 0]]),), "a model that never answers")],
        mistakes=typical(tables.agreement_over_all, tables.agreement_in_silence, tables.agreement_over_one,
                         tables.agreement_zero_for_unknown),
        hints=["Two masks of shape (questions, models, models): both answered, and both answered alike.",
               "both = answered[:, :, None] & answered[:, None, :]; agreement counts only where both is True.",
               "Sum over the questions and divide; where the count is 0 the answer is np.nan."],
        tolerance=CLOSE, solution=solution_from("aggregation", "agreement")),
    update=Exercise(
        "update", "One step of OW-L", 2, _update,
        cases=[Case((np.array([[1, 0.5, -0.2], [0.5, 1, -0.1], [-0.2, -0.1, 1]]), np.array([0.4, 0.3, -0.3])),
                    "the third model is below chance"),
               Case(_agreement_case(6, 4), "four models"),
               Case(_agreement_case(7, 7), "seven models"),
               Case(_agreement_case(8, 3), "three models")],
        mistakes=typical(tables.update_with_itself, tables.update_all_squares, tables.update_without_squares,
                         tables.update_mean_ratio, tables.update_one_by_one),
        hints=["Set the derivative of sum_j (c_ij - y_i y_j)^2 with respect to y_i to zero, the other skills fixed.",
               "y_i = sum_j c_ij y_j / sum_j y_j^2, both sums over j other than i.",
               "A mask 1 - np.eye(n) turns both sums into matrix products."],
        tolerance=CLOSE, solution=solution_from("aggregation", "update")),
    em=Exercise(
        "em", "One step of one-coin Dawid-Skene", 2, tables.em_step,
        cases=[Case((_random_answers(9, 40, 4, 3), 3, np.array([0.5, 0.6, 0.7, 0.8])), "blanks"),
               Case((_random_answers(10, 30, 3, 2, 0.0), 2, np.array([0.55, 0.7, 0.9])), "two options"),
               Case((_random_answers(11, 50, 6, 5), 5, np.linspace(0.15, 0.9, 6)), "one model below chance")],
        mistakes=typical(tables.em_hard, tables.em_without_options, tables.em_votes, tables.em_over_all_questions,
                         tables.em_counts_blanks),
        hints=["E-step: score each option with OW's weights, then take a softmax over the options.",
               "M-step: a model's new accuracy is the mean posterior probability of the options it chose.",
               "np.take_along_axis(posterior, np.maximum(answers, 0), axis=1) picks them; leave blanks out."],
        tolerance=CLOSE, solution=solution_from("aggregation", "em")),
    isp=Exercise(
        "isp", "ISP's advantage", 3, tables.isp_scores,
        cases=[Case(_conditional_case(12, 3, 3), "three models, three options"),
               Case(_conditional_case(13, 4, 2), "two options"),
               Case(_conditional_case(14, 5, 4), "five models, four options")],
        mistakes=typical(tables.isp_is_sp, tables.isp_all_options, tables.isp_divides_by_options,
                         tables.isp_divides_by_models, tables.isp_wrong_way_round),
        hints=["Adv(s) is the votes for s minus the sum over i of S(s, i).",
               "S(s, i) averages over j other than i, and over the K - 1 answers a that j did not give.",
               "For one pair: (tables[i, :, j].sum(axis=1) - tables[i, :, j, given]) / (K - 1), a vector over s."],
        tolerance=CLOSE, solution=solution_from("aggregation", "isp")),
    overturned=Exercise(
        "overturned", "Overturned pluralities", 2, votes.overturns,
        cases=[Case((np.array([[0, 0, 1, 2], [0, 0, 1, 1], [0, 1, 2, 3], [3, 3, 3, 1], [-1, 2, 2, 0], [-1] * 4]),
                     np.array([1, 1, 3, 3, 2, 1])), "by hand, the last one answered by nobody"),
               Case((np.array([[0, 0, 0], [0, -1, 0]]), np.array([0, 1])), "nobody chose a second option"),
               Case(_overturn_case(15, 4, 4, 0.0), "four models"),
               Case(_overturn_case(16, 7, 3, 0.15), "seven models, blanks")],
        mistakes=typical(votes.overturns_ties_too, votes.overturns_majority_only, votes.overturns_first_model,
                         votes.overturns_upheld, votes.overturns_counted, votes.overturns_by_blanks),
        hints=["Count the votes of each option; sort them along the options.",
               "A strict plurality: the largest count exceeds the second largest.",
               "Then compare votes.argmax(axis=1) with the decision."],
        tolerance=CLOSE, solution=solution_from("aggregation", "overturned")),
    breaks=Exercise(
        "breaks", "A table on which OW-L loses", 3, judge=judges.breaks_ow_l, mistakes=judges.BREAKS_MISTAKES,
        hints=["OW-L reads agreement as accuracy. Who agrees without being accurate?",
               "Let weak models copy a weak model: copies of the best one are at least often right.",
               "Three good models and three at 0.55, two of which copy the third, as often as is allowed."],
        solution=solution_from("aggregation", "breaks")),
    mystery=Exercise(
        "mystery", "A table whose truth is hidden", 4, judge=judges.score_mystery, mistakes=judges.mystery_mistakes(),
        hints=["Run diagnose(hidden). Its verdict is cautious; what it says about single models is the clue.",
               "Look at how often each model gives each answer. Does anything stand out?",
               "The options were never shuffled, so a label bias can be subtracted: which rule does that?"],
        solution=solution_from("aggregation", "mystery")),
)  # fmt: skip
