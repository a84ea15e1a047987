"""`where_to_begin`: five questions, and the module that fits the answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """A question with choices a, b, c; what it is about; and why the right choice is right."""

    about: str
    text: str
    choices: tuple[str, str, str]
    right: str
    why: str


QUESTIONS = (
    Question("numpy", "a has the shape (5, 1) and b the shape (3,). What shape has a * b?",
             ("(5, 3)", "(5,)", "it fails"), "a", "(3,) counts as (1, 3), and both ones are stretched."),
    Question("probability", "Three voters are each right with probability .7, independently. And their majority?",
             ("less than .7", "more than .7", "exactly .7"), "b",
             "Two or three of three: 3 * .49 * .3 + .343 = .784."),
    Question("torch", "After loss.backward(), where is the gradient of a parameter p?",
             ("in p.grad", "in loss.grad", "it is returned"), "a", "It is added to p.grad, until it is set to zero."),
    Question("torch", "A has the shape (4, in) and B the shape (out, 4). What is the rank of B A?",
             ("in", "4 at most", "out at least"), "b", "Everything passes through four numbers."),
    Question("python", "What does calling a function defined with `async def` give?",
             ("its result", "an error outside a loop", "a coroutine, to be awaited"), "c",
             "Nothing of it runs before something awaits it."),
)  # fmt: skip
FITS = (
    ({"numpy", "probability"}, "2", "aggregating answers needs numpy and some probability, and runs without torch"),
    ({"torch"}, "3", "LoRA's learning rates need PyTorch's basics"),
    ({"torch", "numpy"}, "1", "merging models needs PyTorch's basics, and is the longest"),
    ({"python"}, "4", "formal skills need Python with async, and no deep learning"),
)

PYTORCH = ("For modules 1 and 3 read PyTorch's own first tutorial before "
           "(docs.pytorch.org/tutorials/beginner/basics/intro.html).")  # fmt: skip


def where_to_begin(letters: str = "") -> None:
    """Print the five questions; with five letters (a, b, c, or ? for no idea), what was right and where to begin."""
    letters = "".join(letters.lower().replace(",", " ").split())
    if len(letters) != len(QUESTIONS) or set(letters) - set("abc?"):
        if letters:
            print(f"Expected five letters out of a, b, c and ?, such as \"c?cab\"; got {letters!r}.\n")
        for number, asked in enumerate(QUESTIONS, start=1):
            choices = "   ".join(f"{letter}) {choice}" for letter, choice in zip("abc", asked.choices))
            print(f"{number}. {asked.text}\n   {choices}")
        return
    for number, (letter, asked) in enumerate(zip(letters, QUESTIONS), start=1):
        print(f"{number}. {'right' if letter == asked.right else f'it is {asked.right})'}. {asked.why}")
    print("\n" + advice(letters))


def advice(letters: str) -> str:
    """Return the modules whose needs the answers meet, in a good order, or what to read first."""
    missed = {asked.about for letter, asked in zip(letters, QUESTIONS) if letter != asked.right}
    fit = [(module, why) for needs, module, why in FITS if not needs & missed]
    if not fit:
        numpy = "numpy's own first tutorial (numpy.org/doc/stable/user/absolute_beginners.html); then with "
        return (f"Begin with {numpy if 'numpy' in missed else ''}module 2, whose text explains the probability that it "
                "uses.")  # fmt: skip
    first, *rest = fit
    later = f" Then {', '.join(module for module, _ in rest)}." if rest else ""
    later += f" {PYTORCH}" if "torch" in missed else ""
    free = "Or begin with what you came for: no module needs another."
    return f"Begin with module {first[0]}: {first[1]}.{later}\n{free}"
