"""Record the council: ten small networks answer multiple-choice questions about handwritten digits under noise.

    python scripts/record_council.py [folder]      (half a minute; default folder helpers/aggregation/data)

The design was fixed before any voting rule was run on the answers. Only MILD and STRONG below were chosen afterwards,
by the members' accuracies (wanted: from about .4 to .9), never by a rule's result.

Questions: scikit-learn's 1,797 digits are shuffled once; 900 are asked about and no member trains on them. The other
897 are three disjoint parts A, B and C of 299. Each of the 900 is asked twice, under two noise draws: "0017-mild" has
Gaussian pixel noise, "0017-strong" has more of it and a 2 x 2 square blanked. All members see the same noisy pixels.
Ten options: "which digit?", A is 0 ... J is 9, never shuffled. Four options: the truth and three other digits, in an
order drawn for each question and shared by the members; a member names the most probable of the four.
Missing answers: members with `abstains` leave a question empty when their best option has a probability below .4 (of
ten) or .5 (of four, rescaled to sum to one).
Shared error is by design: see MEMBERS, and data/README.md in words. The same machine and torch give the same bytes;
with two threads instead of one, 2 answers in 100 change and no member's accuracy moves by more than .02.
"""
from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

from helpers.aggregation.answers import LETTERS, NO_ANSWER, random_orders
from helpers.aggregation.files import DATA, write_csv

SPLIT_SEED, NOISE_SEED, OPTIONS_SEED = 20_251_001, 499, 2_510
N_ASKED, PART = 900, 299
ABSTAIN_BELOW = {10: 0.4, 4: 0.5}


@dataclass(frozen=True)
class Noise:
    """How an image is spoilt: pixel noise (standard deviation; 1 is black to white) and side of a blanked square."""

    name: str
    pixels: float
    square: int


MILD, STRONG = Noise("mild", 0.15, 0), Noise("strong", 0.3, 2)


@dataclass(frozen=True)
class Member:
    """One network: kind, width, training parts and how many images of them, and the seeds it may share with others."""

    name: str
    kind: str
    width: int
    parts: str
    init: int
    order: int
    epochs: int = 60
    images: int = 2 * PART
    noise: float = 0.2
    abstains: bool = False


MEMBERS = (
    Member("conv32-AB", "conv", 32, "AB", init=1, order=1, noise=0.3),
    Member("conv16-A", "conv", 16, "A", init=2, order=2),
    Member("conv16-A-twin", "conv", 16, "A", init=2, order=3),  # conv16-A but for the order of the batches
    Member("conv8-B", "conv", 8, "B", init=4, order=4, noise=0.1, abstains=True),
    Member("conv16-C", "conv", 16, "C", init=5, order=5),
    Member("former48-AB", "transformer", 48, "AB", init=6, order=6, noise=0.3),
    Member("former32-A", "transformer", 32, "A", init=7, order=7),
    Member("former32-A-early", "transformer", 32, "A", init=7, order=7, epochs=15, abstains=True),  # its first quarter
    Member("former24-C", "transformer", 24, "C", init=9, order=9, noise=0.1, abstains=True),
    Member("former16-few", "transformer", 16, "B", init=10, order=10, images=80, noise=0.0),
)


class ConvNet(nn.Module):
    """Two convolutions and a linear layer: (batch, 8, 8) pixels -> (batch, 10) logits."""

    def __init__(self, width: int):
        super().__init__()
        self.first = nn.Conv2d(1, width, 3, padding=1)
        self.second = nn.Conv2d(width, 2 * width, 3, padding=1)
        self.out = nn.Linear(2 * width * 4, 10)

    def forward(self, images):
        maps = F.max_pool2d(F.relu(self.first(images[:, None])), 2)  # (batch, width, 4, 4)
        maps = F.max_pool2d(F.relu(self.second(maps)), 2)  # (batch, 2 width, 2, 2)
        return self.out(maps.flatten(1))


class Block(nn.Module):
    """Self-attention, then a two-layer network, each added to its input: (batch, patches, width) -> the same shape."""

    def __init__(self, width: int, heads: int = 4):
        super().__init__()
        self.heads, self.norm_1, self.norm_2 = heads, nn.LayerNorm(width), nn.LayerNorm(width)
        self.queries_keys_values, self.mix = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x):
        batch, patches, width = x.shape
        split = self.queries_keys_values(self.norm_1(x)).view(batch, patches, 3, self.heads, width // self.heads)
        queries, keys, values = split.permute(2, 0, 3, 1, 4)  # each (batch, heads, patches, width / heads)
        seen = F.scaled_dot_product_attention(queries, keys, values).transpose(1, 2).reshape(batch, patches, width)
        x = x + self.mix(seen)
        return x + self.down(F.gelu(self.up(self.norm_2(x))))


class Transformer(nn.Module):
    """A transformer of two blocks over 16 patches of 2 x 2 pixels: (batch, 8, 8) pixels -> (batch, 10) logits."""

    def __init__(self, width: int):
        super().__init__()
        self.embed, self.places = nn.Linear(4, width), nn.Parameter(0.1 * torch.randn(16, width))
        self.blocks = nn.Sequential(Block(width), Block(width))
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, images):
        patches = images.unfold(1, 2, 2).unfold(2, 2, 2).reshape(len(images), 16, 4)  # (batch, patches, pixels)
        return self.out(self.norm(self.blocks(self.embed(patches) + self.places)).mean(1))


def spoil(images, noise: Noise, generator):
    """Return noisy copies of images (batch, 8, 8), blanked in one random square each and clipped to 0..1."""
    spoilt = images + noise.pixels * torch.randn(images.shape, generator=generator)
    if noise.square:
        corners = torch.randint(0, 9 - noise.square, (len(images), 2), generator=generator).tolist()
        for image, (row, column) in zip(spoilt, corners):
            image[row:row + noise.square, column:column + noise.square] = 0
    return spoilt.clamp(0, 1)


def load_parts():
    """Return {part: (images, labels)} for the parts A, B, C and "asked": (n, 8, 8) floats 0..1 and (n,) digits."""
    digits = load_digits()
    order = np.random.default_rng(SPLIT_SEED).permutation(len(digits.target))
    images, labels = torch.tensor(digits.images[order] / 16, dtype=torch.float32), torch.tensor(digits.target[order])
    parts = {"asked": (images[:N_ASKED], labels[:N_ASKED])}
    for k, part in enumerate("ABC"):
        rows = slice(N_ASKED + k * PART, N_ASKED + (k + 1) * PART)
        parts[part] = images[rows], labels[rows]
    return parts


def train(member: Member, parts) -> nn.Module:
    """Return the member's network after its epochs over its training images, freshly noised in every batch."""
    images = torch.cat([parts[part][0] for part in member.parts])[:member.images]
    labels = torch.cat([parts[part][1] for part in member.parts])[:member.images]
    torch.manual_seed(member.init)
    network = {"conv": ConvNet, "transformer": Transformer}[member.kind](member.width)
    order, noise = torch.Generator().manual_seed(member.order), Noise("training", member.noise, 0)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    for _ in range(member.epochs):
        for rows in torch.randperm(len(images), generator=order).split(32):
            loss = F.cross_entropy(network(spoil(images[rows], noise, order)), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return network.eval()


def ask(images, labels):
    """Return ids, noisy images (questions, 8, 8) and true digits: all images with mild noise, then all with strong."""
    generator = torch.Generator().manual_seed(NOISE_SEED)
    seen = torch.cat([spoil(images, noise, generator) for noise in (MILD, STRONG)])
    ids = [f"{i:04d}-{noise.name}" for noise in (MILD, STRONG) for i in range(len(images))]
    return ids, seen, labels.repeat(2).numpy()


def draw_options(truth, n_options: int):
    """Return (questions, options) digits: 0..9 in order for ten options, else the truth and others in a drawn order."""
    if n_options == 10:
        return np.tile(np.arange(10), (len(truth), 1))
    rng = np.random.default_rng(OPTIONS_SEED)
    keys = rng.random((len(truth), 10))
    keys[np.arange(len(truth)), truth] = -1  # the truth always comes first, so that it is kept
    kept = np.argsort(keys, axis=1)[:, :n_options]
    return np.take_along_axis(kept, random_orders(np.full(len(truth), n_options), n_options, rng), 1)


def choose(probabilities, options, abstains: bool):
    """Return the index of the most probable option per question, (questions,), -1 where the member abstains."""
    offered = np.take_along_axis(probabilities, options, 1)
    offered = offered / offered.sum(1, keepdims=True)
    unsure = abstains & (offered.max(1) < ABSTAIN_BELOW[options.shape[1]])
    return np.where(unsure, NO_ANSWER, offered.argmax(1))


def write_table(path, ids, truth, probabilities, n_options: int):
    """Write one table and print each member's accuracy (of all questions) and answered share."""
    options = draw_options(truth, n_options)
    gold = (options == truth[:, None]).argmax(1)
    answers = np.stack([choose(p, options, m.abstains) for m, p in zip(MEMBERS, probabilities)], 1)
    letters = np.array([*LETTERS, ""])  # -1 picks the empty one
    rows = [[i, letters[g], n_options, *letters[a]] for i, g, a in zip(ids, gold, answers)]
    write_csv(path, ["question_id", "gold", "n_options", *(m.name for m in MEMBERS)], rows)
    print(f"{path.name}: {len(rows)} questions, {path.stat().st_size / 1000:.0f} kB")
    for member, column in zip(MEMBERS, answers.T):
        print(f"  {member.name:18s} right {np.mean(column == gold):.3f}   answered {np.mean(column >= 0):.3f}")


def main(folder=DATA):
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    parts = load_parts()
    ids, seen, truth = ask(*parts["asked"])
    with torch.no_grad():
        networks = [torch.enable_grad()(train)(member, parts) for member in MEMBERS]
        probabilities = [network(seen).softmax(1).double().numpy() for network in networks]
    for n_options in (10, 4):
        write_table(Path(folder) / f"council_{n_options}.csv", ids, truth, probabilities, n_options)


if __name__ == "__main__":
    main(*sys.argv[1:])
