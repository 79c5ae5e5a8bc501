"""1,000 small worlds full of lies, losses and deaths (100,000 with CHAOS=long); each ends with every promise kept.

A seed that fails prints itself, the end of its story, and the command that replays it.
"""

import os

import pytest

from tests.chaos.simulation.bugs import BUGS
from tests.chaos.simulation.world import World, world_of

pytestmark = pytest.mark.usefixtures("quiet")

SEEDS = 100_000 if os.environ.get("CHAOS") == "long" else 1_000
SHARES = 8  # so that several test processes can share them
ENOUGH = 300  # seeds in which each planted bug must show, where the one that found it last does not


def live(seed: int) -> str:
    """Live one world through; return what went wrong, with its story."""
    with world_of(seed) as world:
        try:
            world.run()
        except Exception as error:  # noqa: BLE001 - whatever a service or a promise raised
            return f"seed {seed}: {type(error).__name__}: {error}\n{told(world)}\nreplay: {replay(seed)}"
    return ""


def told(world: World, last: int = 40) -> str:
    """Return the end of a world's story, one event a line: seconds, process, what."""
    begun = world.story[0][0]
    lines = [f"{(at - begun).total_seconds():9.2f} {who} {event}" for at, who, event in world.story[-last:]]
    return "\n".join(lines)


def replay(seed: int) -> str:
    return f"SEED={seed} .venv/bin/python -m pytest tests/chaos/simulation -k replay -s"


@pytest.mark.parametrize("share", range(SHARES))
def test_every_promise_holds_after_every_step_of_every_seed(share: int) -> None:
    for seed in range(share, SEEDS, SHARES):
        if problem := live(seed):
            pytest.fail(problem, pytrace=False)


def test_replay_of_one_seed() -> None:
    """SEED=123 names it."""
    seed = int(os.environ.get("SEED", "0"))
    with world_of(seed) as world:
        try:
            world.run()
        finally:
            print(told(world, last=len(world.story)))  # noqa: T201 - the story is what one asks for


def test_a_seed_is_always_the_same_story() -> None:
    stories = []
    for _ in range(2):
        with world_of(7) as world:
            world.run()
        stories.append(world.story)
    assert stories[0] == stories[1]


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_found(name: str) -> None:
    bug = BUGS[name]
    with bug.plant():
        found = next((seed for seed in (bug.seed, *range(ENOUGH)) if bug.says in live(seed)), None)
    assert found is not None, f"{ENOUGH} seeds did not find it"
    print(f"found by seed {found}")  # noqa: T201
