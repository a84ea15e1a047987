"""Claims: rules, verdicts, intervals, and how a measured claim reads."""

from __future__ import annotations

import json
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from helpers.course import Claim, Rule, above, below, equals, near, record
from helpers.course.claims import ClaimsTable
from helpers.course.session import SESSION

CLAIM = Claim("gain", "aggregation", "OW beats <the> majority", "+3.1 points", above(0, "points"), "points")
WORTH = {"reversed": 0, "not reproduced": 1, "partly": 2, "reproduced": 3}
NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)
SAMPLES = st.lists(NUMBERS, min_size=2, max_size=8)


@pytest.fixture(autouse=True)
def fresh_session():
    SESSION.restart("aggregation")


@pytest.mark.parametrize(
    "rule, figures, verdict",
    [
        (above(0), (2, 1, 3), "reproduced"),
        (above(0), (2, 0, 4), "partly"),  # an interval that touches the threshold is not above it
        (above(0), (-0.5, -2, 1), "not reproduced"),
        (above(0), (0, -1, 1), "not reproduced"),
        (above(0), (-2, -3, -1), "reversed"),
        (above(5), (4, 3, 4.9), "reversed"),
        (below(0), (-2, -3, -1), "reproduced"),
        (below(0), (-1, -3, 1), "partly"),
        (below(1), (1, 0, 2), "not reproduced"),
        (below(0), (2, 1, 3), "reversed"),
        (near(1, 0.1), (1.1, 0, 2), "reproduced"),  # 1.1 - 1 is a little more than 0.1 in floating point
        (near(1, 0.1), (1.2, 0, 2), "partly"),
        (near(1, 0.1), (1.21, 0, 2), "not reproduced"),
        (near(-1, 0.1), (-1.2, -2, 0), "partly"),
        (equals(18), (18, 18, 18), "reproduced"),
        (equals(18), (18, 17, 19), "partly"),
        (equals(18), (18.000001, 18, 19), "not reproduced"),
    ],
)
def test_rules_decide_as_their_words_say(rule, figures, verdict):
    assert rule.decide(*figures) == verdict


def test_rules_say_what_they_do():
    assert above(2, "points").text == (
        "reproduced if the whole 95 % interval lies above 2 points; partly if only our figure does; "
        "reversed if the whole interval lies below; else not reproduced"
    )
    assert [rule.aim for rule in (above(2, "points"), below(-1), near(1, 0.1, "%"), equals(18))] == [
        "above 2 points", "below -1", "within 0.1 % of 1 %", "exactly 18"]  # fmt: skip
    assert "within 0.1 of 1;" in near(1, 0.1).text and "within 0.2;" in near(1, 0.1).text
    with pytest.raises(ValueError, match=r"tolerance above 0, got 0.*equals\(3\)"):
        near(3, 0)


def test_where_the_paper_is_silent_a_rule_that_holds_gives_new():
    silent = replace(CLAIM, paper=None)
    assert record(silent, [3, 3.1, 3.2]).verdict == "new"
    assert record(silent, [-3, -3.1, -3.2]).verdict == "reversed"
    assert "paper says nothing" in repr(record(silent, [3, 3.1]))


@pytest.mark.parametrize("rule, values, outcome", [
    (above(0), [3, 3.1], "holds"), (above(0), [-3, -3.1], "the opposite holds"), (above(0), [-5, 5.1], "partly"),
    (below(0), [-5, 5.1], "does not hold"), (equals(1), [1, 1], "holds"), (near(5, 1), [1, 1], "does not hold")])
def test_a_guess_of_ours_holds_or_does_not_and_a_papers_figure_is_reproduced(rule, values, outcome):
    guess, of_the_paper = (record(replace(CLAIM, rule=rule, paper=paper), values) for paper in (None, "+3"))
    assert guess.outcome == outcome and of_the_paper.outcome == of_the_paper.verdict
    assert guess.row()["verdict"] == ("new" if outcome == "holds" else of_the_paper.verdict)
    page = guess._repr_html_()
    assert f"[{outcome}]" in repr(guess) and f">{outcome}</td>" in page and f">{rule.aim}</td>" in page


@given(SAMPLES)
def test_the_interval_is_students(samples):
    measured = record(CLAIM, samples)
    assert measured.ours == pytest.approx(np.mean(samples)) and measured.seeds == len(samples)
    if np.ptp(samples) > 1e-3:
        low, high = stats.t.interval(0.95, len(samples) - 1, np.mean(samples), stats.sem(samples))
        assert (measured.low, measured.high) == pytest.approx((low, high), rel=1e-9, abs=1e-6)
    assert measured.low <= measured.ours <= measured.high


@given(SAMPLES, st.floats(0, 1e6), NUMBERS)
def test_shifting_samples_up_never_makes_above_worse(samples, shift, threshold):
    def worth(rule: Rule, values) -> int:
        return WORTH[record(replace(CLAIM, rule=rule), values).verdict]

    lifted = [value + shift for value in samples]
    # A shift far larger than the spread rounds the spread away: give the interval's ends what rounding can take.
    if shift < 1e3 * max(np.ptp(samples), 1e-6):
        assert worth(above(threshold - 1e-6), lifted) >= worth(above(threshold), samples)
        assert worth(below(threshold), lifted) <= worth(below(threshold + 1e-6), samples)


def test_the_interval_covers_as_often_as_it_says():
    draws = np.random.default_rng(0).normal(1, 2, (2_000, 5))
    covered = np.mean([measured.low <= 1 <= measured.high for measured in (record(CLAIM, row) for row in draws)])
    spread = NormalDist().inv_cdf(0.9995) * np.sqrt(0.95 * 0.05 / 2_000)
    assert abs(covered - 0.95) < spread


@pytest.mark.parametrize("samples", [[0.1] * 3, [1 / 3] * 7, [5, 5]])
def test_equal_samples_have_no_width(samples):
    measured = record(replace(CLAIM, rule=equals(samples[0])), samples)
    assert measured.low == measured.ours == measured.high == samples[0] and measured.verdict == "reproduced"
    assert "[" not in measured.figure()


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({}, "both or neither"),
        ({"samples": [1, 2], "ours": 1}, "both or neither"),
        ({"samples": []}, "at least 2 seeds, got shape \\(0,\\)"),
        ({"samples": [1]}, "at least 2 seeds.*run more seeds"),
        ({"samples": 1}, "at least 2 seeds"),
        ({"samples": [[1, 2], [3, 4]]}, "one number per seed"),
        ({"samples": [1, float("nan")]}, "finite samples, got nan"),
        ({"samples": [1, float("inf")]}, "finite samples, got inf"),
        ({"ours": 1, "low": 0, "high": 2}, "all of ours, low, high and seeds"),
        ({"ours": 1, "low": 2, "high": 0, "seeds": 3}, "low <= ours <= high"),
        ({"ours": 3, "low": 0, "high": 2, "seeds": 3}, "low <= ours <= high"),
        ({"ours": float("nan"), "low": 0, "high": 2, "seeds": 3}, "finite numbers"),
        ({"ours": 1, "low": 0, "high": 2, "seeds": 0}, "at least 1 seed"),
    ],
)
def test_numbers_that_make_no_claim_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        record(CLAIM, **arguments)
    assert not SESSION.measured


def test_an_unknown_module_is_refused():
    with pytest.raises(ValueError, match="no module 'agregation'; there are 'skill_injection', 'aggregation'"):
        record(replace(CLAIM, module="agregation"), [1, 2])


def test_a_later_figure_replaces_the_earlier():
    record(CLAIM, [1, 2])
    last = record(CLAIM, ours=5, low=4, high=6, seeds=20)
    assert SESSION.measured == {"gain": last}


def test_a_row_has_the_form_of_claims_json():
    row = record(CLAIM, np.array([3.0, 3.2, 3.4])).row()
    keys = ["id", "module", "claim", "paper", "ours", "low", "high", "seeds", "rule", "verdict"]
    assert list(row) == keys and json.loads(json.dumps(row)) == row
    assert [type(row[key]) for key in ("ours", "low", "high", "seeds")] == [float, float, float, int]


def test_a_claim_reads_as_one_line():
    measured = record(CLAIM, ours=3.2, low=2.9, high=3.5, seeds=20)
    assert repr(measured) == (
        "[reproduced] ours 3.20 points [2.90, 3.50] (20 seeds); paper +3.1 points; claim: OW beats <the> majority"
    )
    assert "(1 seed)" in repr(record(CLAIM, ours=3, low=3, high=3, seeds=1))


@pytest.mark.parametrize(
    "figures, text",
    [((81.234, 80.0, 82.5), "81.2 points [80.0, 82.5]"),
     ((0.01234, 0.0121, 0.0126), "0.01234 points [0.01210, 0.01260]"),
     ((12345, 12000, 12700), "12345 points [12000, 12700]"), ((-0.0001, -0.1, 0.1), "0.00 points [-0.10, 0.10]"),
     ((18, 18, 18), "18 points")],
)  # fmt: skip
def test_figures_carry_the_digits_that_their_interval_allows(figures, text):
    ours, low, high = figures
    assert record(CLAIM, ours=ours, low=low, high=high, seeds=3).figure() == text


def test_the_table_escapes_and_names_its_columns():
    table = ClaimsTable((record(CLAIM, [1, 2]), record(replace(CLAIM, id="other"), [2, 3])))
    page = table._repr_html_()
    assert "OW beats &lt;the&gt; majority" in page and page.count("<tr>") == 3 and page.count("<th ") == 6
    assert "Above, below" in page and "Within" not in page and "Exactly" not in page
    assert len(repr(table).splitlines()) == 2 and repr(ClaimsTable(())) == "no claims measured yet"
