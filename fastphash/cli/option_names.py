"""The library's parameters by the names of a command's options."""

import re

import click

# quoted values come first, so that a parameter in a file's name is left alone
_QUOTED_OR_PARAMETER = re.compile(r"""(?<!\w)(["']).*?\1(?!\w)|`(?P<parameter>[a-z_]+)`""")


def name_options(message: str, command: click.Command) -> str:
    """A message of the library, with parameters in backquotes replaced by a command's options.

    The library knows no options: its messages name parameters in backquotes, and a parameter has
    the name that click gives to the option. What the command has no option for stays as it is.

    >>> option = click.Option(["-0", "--null"])
    >>> name_options("`null` is for lists, `mode` isn't", click.Command("clean", params=[option]))
    "-0 is for lists, `mode` isn't"
    """
    options = {
        str(parameter.name): parameter.opts[0]
        for parameter in command.params
        if isinstance(parameter, click.Option)
    }
    return _QUOTED_OR_PARAMETER.sub(
        lambda match: options.get(match["parameter"], match[0]), message
    )
