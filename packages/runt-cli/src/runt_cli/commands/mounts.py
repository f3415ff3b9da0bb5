"""`runt mounts`: what directories will be called in the sandbox."""

import click

from runt_cli._mounts import mount_table, parse_mount, shown
from runt_cli._terminal_text import safe_text


@click.command(short_help="Tell what directories are called in the sandbox.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
def command(paths: tuple[str, ...]) -> None:
    """Tell where each PATH appears in the sandbox, if all are mounted in this order.

    Names follow from the paths alone: nothing is started, and no directory has to
    exist. Where the TypeScript agent used another name, that one works too.
    """
    for mount in mount_table(parse_mount(path) for path in paths).mounts:
        line = f"{shown(mount.host_path)} at {mount.guest_path}"
        if mount.alias is not None:
            line += f", also {mount.guest_path.parent.child(mount.alias)}"
        click.echo(safe_text(line, color=False))
