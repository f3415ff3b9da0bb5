"""`runt doctor`: what the sandbox is made of here, and what guards it."""

import click

from runt_worker import WorkerOptions, check_installation


@click.command(short_help="Check the sandbox on this machine.")
def command() -> int:
    """Check what the sandbox is made of on this machine, and what guards it.

    One line each. The exit status is 1 if something is missing that matters; the line
    says what helps.
    """
    status = 0
    for check in check_installation(WorkerOptions().cache_dir):
        mark = "!!" if check.hint else "ok"
        hint = f" ({check.hint})" if check.hint else ""
        click.echo(f"{mark}  {check.name}: {check.found}{hint}")
        if check.hint:
            status = 1
    return status
