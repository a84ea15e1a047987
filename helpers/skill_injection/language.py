"""A language of under a hundred words about one digit: what the base reads, and the questions of each skill.

A question looks like `<bos> ctx CONTEXT end ask QUESTION ans ANSWER <eos>`. The context is a text note that names the
digit among other words, or the four image tokens of a picture. The base reads plain English questions and, as documents
of their own, the pieces of every skill: words with their Spanish, sums, formats. It never sees those as questions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import PreTrainedTokenizerFast

NUMBERS = "zero one two three four five six seven eight nine".split()
SPANISH = {
    **dict(zip(NUMBERS, "cero uno dos tres cuatro cinco seis siete ocho nueve".split())), "which": "que",
    "digit": "cifra", "even": "par", "odd": "impar", "or": "o", "big": "grande", "small": "pequeño", "full": "completo",
    "is": "es", "in": "en",
}  # fmt: skip
FORMATS = {
    "brackets": ("[", "{}", "]"), "twice": ("{}", "{}"), "prefix": ("answer", ":", "{}"), "quotes": ('"', "{}", '"'),
}  # fmt: skip
SYMBOLS = {"plus": "+", "minus": "-", "double": "two *"}
FILLERS = "the note page paper old blue corner with a here".split()
SPECIAL = ["<pad>", "<bos>", "<eos>", "<image>", "ctx", "end", "ask", "ans"]
PAD, BOS, EOS, IMAGE = range(4)
IMAGE_TOKENS = 4
IMAGE_CONTEXT = " ".join(["<image>"] * IMAGE_TOKENS)
ENGLISH = "english"
SKILLS = ("format", "spanish", "one_step", "two_steps")


def vocabulary() -> list[str]:
    """Return the words, a word's place being its token id."""
    words = [*SPECIAL, *SPANISH, *SPANISH.values(), "it", "say", "=", "count", *SYMBOLS, "+", "-", "*", *FORMATS]
    words += [word for pattern in FORMATS.values() for word in pattern if word != "{}"]
    return list(dict.fromkeys([*words, *FILLERS]))


def tokenizer() -> PreTrainedTokenizerFast:
    """Return the word-level tokenizer of all models of the family."""
    words = WordLevel({word: place for place, word in enumerate(vocabulary())}, unk_token="<pad>")
    fast = Tokenizer(words)
    fast.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=fast, pad_token="<pad>", bos_token="<bos>", eos_token="<eos>",
                                   additional_special_tokens=["<image>"], padding_side="right")


@dataclass(frozen=True)
class Example:
    """A question about a digit with its right answer, as words; context is a text note or four <image>."""

    context: str
    question: str
    answer: str

    @property
    def prompt(self) -> str:
        """What the model reads before it answers."""
        return f"<bos> ctx {self.context} end ask {self.question} ans"


def fact(digit: int, rng: np.random.Generator) -> tuple[str, str]:
    """Return one of three questions about a digit (which, even or odd, big or small: 5 is big) and its answer."""
    facts = {"which digit": NUMBERS[digit], "even or odd": ("even", "odd")[digit % 2],
             "big or small": ("small", "big")[digit >= 5]}
    question = str(rng.choice(list(facts)))
    return question, facts[question]


def plain_question(digit: int, rng: np.random.Generator) -> tuple[str, str]:
    """Return an English question about a digit and its answer; two in five ask for a full sentence."""
    question, answer = fact(digit, rng)
    return (f"{question} in full", f"it is {answer}") if rng.random() < 0.4 else (question, answer)


def format_question(digit: int, rng: np.random.Generator) -> tuple[str, str]:
    """Return an English question that asks for its answer in one of four formats."""
    question, answer = fact(digit, rng)
    style = str(rng.choice(list(FORMATS)))
    return f"{question} in {style}", " ".join(FORMATS[style]).format(answer, answer)


def spanish_question(digit: int, rng: np.random.Generator) -> tuple[str, str]:
    """Return a question and its answer in Spanish, word by word."""
    return tuple(" ".join(SPANISH[word] for word in text.split()) for text in fact(digit, rng))


def one_step_question(digit: int, rng: np.random.Generator) -> tuple[str, str]:
    """Return plus, minus or double with a result from zero to nine."""
    kind = rng.choice(["plus", "minus", "double"], p=[0.5, 0.35, 0.15])
    if kind == "double" and 0 < digit < 5:
        return "double", NUMBERS[2 * digit]
    if (kind == "minus" and digit > 0) or digit == 9:
        other = int(rng.integers(1, digit + 1))
        return f"minus {NUMBERS[other]}", NUMBERS[digit - other]
    other = int(rng.integers(1, 10 - digit))
    return f"plus {NUMBERS[other]}", NUMBERS[digit + other]


def two_step_question(digit: int, rng: np.random.Generator) -> tuple[str, str]:
    """Return plus b minus c, answered by the result of the first step and then of the second."""
    add = int(rng.integers(0, 10 - digit))
    take = int(rng.integers(0, digit + add + 1))
    return (f"plus {NUMBERS[add]} minus {NUMBERS[take]}",
            f"{NUMBERS[digit + add]} {NUMBERS[digit + add - take]}")


QUESTIONS: dict[str, Callable] = {
    ENGLISH: plain_question, "format": format_question, "spanish": spanish_question, "one_step": one_step_question,
    "two_steps": two_step_question,
}  # fmt: skip


def note(name: str, rng: np.random.Generator) -> str:
    """Return a text note: a number's name among none to five other words.

    Notes of one length only would leave the model lost at the places where an image's tokens end.
    """
    words = list(rng.choice(FILLERS, rng.integers(0, 6)))
    words.insert(int(rng.integers(0, len(words) + 1)), name)
    return " ".join(words)


def text_example(skill: str, rng: np.random.Generator) -> Example:
    """Return a question of a skill about a digit that a text note names."""
    digit = int(rng.integers(10))
    return Example(note(NUMBERS[digit], rng), *QUESTIONS[skill](digit, rng))


def image_example(skill: str, digit: int, rng: np.random.Generator) -> Example:
    """Return a question of a skill about a picture of the digit."""
    return Example(IMAGE_CONTEXT, *QUESTIONS[skill](digit, rng))


def counting(rng: np.random.Generator) -> str:
    """Return three to five numbers in a row."""
    first, length = int(rng.integers(0, 6)), int(rng.integers(3, 6))
    return " ".join(["count", *NUMBERS[first : first + length]])


def dictionary(rng: np.random.Generator) -> str:
    """Return a word with its Spanish or its symbol, in either order."""
    pairs = [*SPANISH.items(), *SYMBOLS.items()]
    pair = pairs[int(rng.integers(len(pairs)))]
    return " = ".join(pair if rng.random() < 0.5 else pair[::-1])


def formatting(rng: np.random.Generator) -> str:
    """Return a number in one of the formats, said as a statement."""
    style, number = str(rng.choice(list(FORMATS))), str(rng.choice(NUMBERS))
    return f"say {number} in {style} = " + " ".join(FORMATS[style]).format(number, number)


def addition(rng: np.random.Generator) -> str:
    """Return a sum, a difference or a double in symbols, as a statement of its own: `seven + two = nine`."""
    digit = int(rng.integers(10))
    words, result = one_step_question(digit, rng)
    kind, *other = words.split()
    terms = [SYMBOLS[kind], NUMBERS[digit]] if kind == "double" else [NUMBERS[digit], SYMBOLS[kind], *other]
    return " ".join([*terms, "=", result])


def document(rng: np.random.Generator) -> str:
    """Return one document of the base's reading: half are English questions, the rest the pieces of the skills."""
    kind = rng.choice([ENGLISH, "counting", "dictionary", "formatting", "addition"], p=[0.5, 0.12, 0.14, 0.12, 0.12])
    if kind == ENGLISH:
        example = text_example(ENGLISH, rng)
        return f"{example.prompt} {example.answer} <eos>"
    pieces = {"counting": counting, "dictionary": dictionary, "formatting": formatting, "addition": addition}
    return f"<bos> {pieces[kind](rng)} <eos>"
