"""What the subcommands that write indicators share: the file to edit, errors in words, and the option for scripts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from proxy.config.indicator_files import is_in_folder
from proxy.config.load import LoadedConfig
from proxy.config.saved_file import EditError
from proxy.config.source_file import shown

json_option: Callable[[Callable[..., object]], Callable[..., object]] = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, for scripts."
)


def target_of(loaded: LoadedConfig, file: Path | None) -> Path:
    """Return the file to edit; it must be one that the gateway reads, or an edit would do nothing."""
    if file is None:
        return loaded.path
    path = file.absolute()
    if path.resolve() not in [known.resolve() for known in loaded.files] and not is_in_folder(path, loaded.sources):
        raise click.UsageError(
            f"{file} is not read by {shown(loaded.path)}; name it there under `indicator_files` first"
        )
    return path


def edited[T](change: Callable[[], T]) -> T:
    """Do a change to a file; what is wrong with it ends the command with exit code 1."""
    try:
        return change()
    except (EditError, ValueError, OSError) as error:
        raise click.ClickException(str(error)) from None
