"""``pestcheck users``: who may sign in. Passwords come from a prompt or from standard input, never from arguments, which others can read."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pestcheck.accounts import Accounts

from pestcheck.people import Role

users = typer.Typer(no_args_is_help=True, help="Who may sign in, as what, and of which sites they see anything.")

NameArgument = Annotated[str, typer.Argument(help="Name of the person, or of the machine.", show_default=False)]
ByOption = Annotated[str, typer.Option(help="Your name; it stands in the log.")]
DataOption = Annotated[Path | None, typer.Option("--data", help="Folder of the records. [default: ~/pestcheck-data, or PESTCHECK_DATA]")]
SiteOption = Annotated[list[str] | None, typer.Option("--site", help="A site that they see; may be given more than once. [default: all]")]


@users.command()
def add(
    name: NameArgument,
    role: Annotated[Role, typer.Option(help="What they are to the records.")],
    by: ByOption,
    site: SiteOption = None,
    machine: Annotated[bool, typer.Option("--machine", help="No password: it comes with a token.")] = False,
    data: DataOption = None,
) -> None:
    """Open an account. The first one is an admin's."""
    with _accounts(data) as accounts:
        password = "" if machine else _password()
        if not machine:
            from pestcheck.accounts.passwords import check_password

            check_password(password, name)  # before there is an account
        key = accounts.open(name, role, sites=site or None, actor=by)
        if not machine:
            accounts.set_password(key, password, actor=by)
        typer.echo(f"{accounts.account(key).name} may sign in." if not machine else f"{accounts.account(key).name} needs a token.")


@users.command(name="list")
def list_(data: DataOption = None) -> None:
    """List all accounts."""
    with _accounts(data) as accounts:
        for account in accounts.accounts():
            sites = "all sites" if account.sites is None else "; ".join(account.sites)
            state = "disabled" if account.disabled_at else "by the sign-in service" if account.subject else ""
            if not state and not accounts.has_password(account.id):
                state = "no password"
            typer.echo(f"{account.name:<32} {account.role:<10} {sites}{f'  ({state})' if state else ''}")
            for token in accounts.tokens(account.id):
                typer.echo(f"    token {token.id}  until {token.expires_at[:10]}  {token.label}")


@users.command()
def password(name: NameArgument, by: ByOption, data: DataOption = None) -> None:
    """Give a person a new password. They are signed out wherever they are signed in."""
    with _accounts(data) as accounts:
        accounts.set_password(accounts.named(name).id, _password(), actor=by)


@users.command()
def role(name: NameArgument, role: Annotated[Role, typer.Argument(show_default=False)], by: ByOption, data: DataOption = None) -> None:
    """Make a person something else to the records."""
    with _accounts(data) as accounts:
        accounts.change(accounts.named(name).id, role=role, actor=by)


@users.command()
def sites(name: NameArgument, by: ByOption, site: SiteOption = None, data: DataOption = None) -> None:
    """Bind a person to sites, or without --site to none: then they see all."""
    with _accounts(data) as accounts:
        accounts.change(accounts.named(name).id, sites=site or None, actor=by)


@users.command()
def disable(name: NameArgument, by: ByOption, data: DataOption = None) -> None:
    """Let a person sign in no more, and sign them out. The log goes on naming them."""
    with _accounts(data) as accounts:
        accounts.change(accounts.named(name).id, disabled=True, actor=by)


@users.command()
def enable(name: NameArgument, by: ByOption, data: DataOption = None) -> None:
    """Let a person sign in again."""
    with _accounts(data) as accounts:
        accounts.change(accounts.named(name).id, disabled=False, actor=by)


@users.command()
def token(
    name: NameArgument,
    by: ByOption,
    label: Annotated[str, typer.Option(help="What it is for.")] = "",
    days: Annotated[int, typer.Option(help="How long it is good.")] = 365,
    withdraw: Annotated[str, typer.Option(metavar="ID", help="Withdraw this token instead.")] = "",
    data: DataOption = None,
) -> None:
    """Give a machine a token to act as an account. It is printed once, alone on standard output, and can never be shown again."""
    with _accounts(data) as accounts:
        account = accounts.named(name)
        if not withdraw:
            typer.echo(accounts.give_token(account.id, label, days=days, actor=by))
        elif withdraw in [one.id for one in accounts.tokens(account.id)]:
            accounts.withdraw_token(withdraw, actor=by)
        else:
            from pestcheck.records.common import NotFound

            raise NotFound(f"{account.name} has no token {withdraw[:60]!r}; `pestcheck users list` lists them.")


@contextmanager
def _accounts(data: Path | None) -> Iterator[Accounts]:
    """The accounts of the store, and a line and exit code 2 for what is refused."""
    from pestcheck.accounts import Accounts
    from pestcheck.cli import _fail, _settings, _store
    from pestcheck.records.common import Refused

    database, _ = _store(_settings(data=data), new=True)
    try:
        yield Accounts(database)
    except (Refused, OSError) as error:
        _fail(str(error))
    finally:
        database.close()


def _password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt="The same again"))
    return sys.stdin.readline().rstrip("\r\n")
