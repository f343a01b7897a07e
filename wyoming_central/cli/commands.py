"""How the commands are put together: groups, single commands, and the examples in their help."""

from __future__ import annotations

import typer


def group(help_text: str) -> typer.Typer:
    """Give a group of commands, which shows its help when it is called alone."""
    return typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True, help=help_text)


def single() -> typer.Typer:
    """Give what holds one command that stands at the first level by itself."""
    return typer.Typer(rich_markup_mode=None, add_completion=False)


def examples(*lines: str) -> str:
    """Give an epilog with one example a line, which is not filled into a paragraph."""
    # \b is the parser's own mark for that.
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])
