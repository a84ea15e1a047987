"""References and typical wrong answers to the exercises that have one right answer each."""

from __future__ import annotations

from pathlib import Path


def unreachable(phases, initial, transitions):
    reached, todo = {initial}, [initial]
    while todo:
        here = todo.pop()
        for move in transitions:
            if move["from"] == here and move["to"] not in reached:
                reached.add(move["to"])
                todo.append(move["to"])
    return sorted(set(phases) - reached)


def no_arrow_to(phases, initial, transitions):
    """A phase may have an arrow to it and still be lost: who leads to the one that leads to it?"""
    return sorted(set(phases) - {move["to"] for move in transitions} - {initial})


def one_step(phases, initial, transitions):
    """You looked one step far. And the phases behind those?"""
    return sorted(set(phases) - {initial} - {move["to"] for move in transitions if move["from"] == initial})


def in_order(phases, initial, transitions):
    """One pass over the transitions misses those that stand before the one that reaches their start. Repeat it?"""
    reached = {initial}
    for move in transitions:
        if move["from"] in reached:
            reached.add(move["to"])
    return sorted(set(phases) - reached)


def both_ways(phases, initial, transitions):
    """An arrow leads one way only. Which end is `from`?"""
    turned = [{"from": move["to"], "to": move["from"]} for move in transitions]
    return unreachable(phases, initial, [*transitions, *turned])


def with_initial(phases, initial, transitions):
    """The run begins in the initial phase: does anything have to lead there?"""
    lost = set(unreachable(phases, initial, transitions))
    return sorted(lost | ({initial} - {move["to"] for move in transitions}))


def inside(root, path):
    place = (Path(root) / path).resolve()
    return place if place.is_relative_to(Path(root).resolve()) else None


def begins_with(root, path):
    """The name w-old begins with w, too. Where does a folder's name end?"""
    place = (Path(root) / path).resolve()
    return place if str(place).startswith(str(Path(root).resolve())) else None


def begins_with_and_links(root, path):
    """What ends inside may have been a link on the way, and w-old begins with w. Where does the path end, really?"""
    import os

    place = os.path.normpath(Path(root) / path)
    return Path(place) if place.startswith(str(root)) else None


def no_dots(root, path):
    """No `..` in a path: is that all that leads out?"""
    return None if ".." in Path(path).parts else (Path(root) / path).resolve()


def not_absolute(root, path):
    """An absolute path may lie inside, and a relative one outside. What counts is where it ends, isn't it?"""
    return None if Path(path).is_absolute() else (Path(root) / path).resolve()


def without_links(root, path):
    """What if a part of the path is a symlink?"""
    import os

    place = Path(os.path.normpath(Path(root) / path))
    return place if place.is_relative_to(root) else None


def must_exist(root, path):
    """A file that is to be written does not exist yet. Does that put it outside?"""
    place = inside(root, path)
    return place if place is not None and place.exists() else None


def uncached(before, now, tokens):
    shared = 0
    while shared < min(len(before), len(now)) and before[shared] == now[shared]:
        shared += 1
    return sum(tokens[shared:])


def new_ones(before, now, tokens):
    """A message that stood elsewhere is not in the cached prefix. Does the cache keep a set, or a beginning?"""
    return sum(count for item, count in zip(now, tokens) if item not in before)


def same_places(before, now, tokens):
    """After the first difference nothing is cached any more, even what is equal. Did you count it?"""
    return sum(count for k, (item, count) in enumerate(zip(now, tokens)) if k >= len(before) or item != before[k])


def the_cached(before, now, tokens):
    """You counted the tokens inside the prefix. Which ones are asked for?"""
    return sum(tokens) - uncached(before, now, tokens)


def one_too_many(before, now, tokens):
    """Is the first difference itself cached?"""
    shared = 0
    while shared < min(len(before), len(now)) and before[shared] == now[shared]:
        shared += 1
    return sum(tokens[shared + 1 :])


def grown_by(before, now, tokens):
    """The prompt grew by that much. But is all that was there still the same?"""
    return sum(tokens[len(before) :])
