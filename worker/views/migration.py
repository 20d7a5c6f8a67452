"""What a migration would do, for people. Pure but for printing."""

from rich.console import Console

from worker.db.migrate import MigrationPlan
from worker.views.terminal import FLAG_STYLE, styled


def show_plan(console: Console, plan: MigrationPlan) -> None:
    console.print(f"The schema is at {', '.join(plan.revisions) or 'no revision'}; this code's newest is {plan.head}.")
    if plan.is_newer:
        console.print("The database is newer than this code, which may run on it all the same: nothing to do.")
    elif not plan.steps:
        console.print("Nothing to do.")
    for step in plan.steps:
        console.print(f"  would apply {step.revision}  {step.title}")
    if plan.set_aside:
        console.print(styled("These names are another application's and would be set aside, not dropped:", FLAG_STYLE))
        for name in plan.set_aside:
            console.print(styled(f"  {name}"))
