"""What a bot can lose sight of while it stays connected, and is shown again: threads are archived meanwhile."""

from collections.abc import Callable

from tests.faults.run import Run
from worker.sandbox import Permission

ShowAgain = Callable[[], object]

# Without it a bot is told only of the private threads that it is a member of.
WITHHELD = Permission.MANAGE_THREADS


def _hidden(run: Run) -> ShowAgain:
    channel = run.traders.listened[0]
    channel.set_permissions(deny=WITHHELD | Permission.VIEW_CHANNEL)
    return lambda: channel.set_permissions(deny=WITHHELD)


def _role_changed(run: Run) -> ShowAgain:
    guild = run.traders.listened[0].guild
    everyone = guild.roles[guild.id]
    permissions = everyone.permissions
    guild.set_role(everyone, permissions & ~Permission.VIEW_CHANNEL)
    return lambda: guild.set_role(everyone, permissions)


def _bot_removed(run: Run) -> ShowAgain:
    guild = run.traders.listened[0].guild
    guild.remove_bot()
    return guild.add_bot


def _guild_away(run: Run) -> ShowAgain:
    guild = run.traders.listened[0].guild
    guild.set_available(False)
    return lambda: guild.set_available(True)


def _removed_from_thread(run: Run) -> ShowAgain:
    thread = run.traders.open_private_thread()
    run.traders.act(10)
    thread.remove_thread_member(run.sandbox.bot)
    return lambda: thread.add_thread_member(run.sandbox.bot)


LOSSES: dict[str, Callable[[Run], ShowAgain]] = {
    "channel hidden": _hidden,
    "role changed": _role_changed,
    "bot removed": _bot_removed,
    "guild away": _guild_away,
    "removed from a thread": _removed_from_thread,
}


async def sight_lost(run: Run, *kinds: str) -> None:
    async with run.at_work() as worker:
        run.traders.listened[0].set_permissions(deny=WITHHELD)
        for kind in kinds:
            await run.load(0.2)
            run.traders.archive()
            await run.load(0.1)
            with run.traders.nobody_there():
                show_again = LOSSES[kind](run)
                await run.load(0.2)
                run.traders.archive()
            show_again()
            await run.load(0.2)
            run.struck[kind] += 1
        await run.settled()
        assert await worker.stop() == 0


async def sight_lost_at_random(run: Run, times: int) -> None:
    await sight_lost(run, *run.chance.choices(sorted(LOSSES), k=times))
