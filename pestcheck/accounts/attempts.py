"""How often somebody may be wrong: a few times at once, then ever more slowly. Kept in the database, so that no restart forgives."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from sqlmodel import Session, col, delete

from pestcheck.accounts.common import SKEW, digest, since, stamp
from pestcheck.records.common import Refused
from pestcheck.store.account_tables import Attempt

FREE_BY_NAME, FREE_BY_ADDRESS = 5, 30
"""Wrong passwords in a row without waiting: for one name, and from one address, which many tablets of a yard may share."""
LONGEST = timedelta(minutes=15)
FORGOTTEN = timedelta(hours=1)


class TooMany(Refused):
    """Too many wrong passwords. ``seconds``: how long to wait."""

    def __init__(self, wait: timedelta) -> None:
        self.seconds = max(1, round(wait.total_seconds()))
        minutes = -(-self.seconds // 60)
        super().__init__(f"Too many wrong passwords. Try again in {minutes} min.")


def wait(count: int, free: int) -> timedelta:
    """How long to wait after so many wrong passwords: nothing at first, then 1, 2, 4, 8, and at most 15 minutes."""
    return min(timedelta(minutes=2 ** min(count - free, 10)), LONGEST) if count >= free else timedelta()


def begin(session: Session, name: str, address: str) -> None:
    """Count an attempt as wrong before the password is looked at, so that many at once cannot all be the last one.

    Raises:
        TooMany: it is too early for another one; nothing is counted.
    """
    rows = []
    for key, free in ((by_name(name), FREE_BY_NAME), (by_address(address), FREE_BY_ADDRESS)):
        row = session.get(Attempt, key) or Attempt(key=key, count=0, last_at=stamp())
        passed = since(row.last_at)
        if passed < -SKEW:  # the clock was set back: wait once more, not for as long as it was set back
            row.last_at = stamp()
            session.add(row)
            passed = timedelta()
        if passed >= FORGOTTEN:
            row.count = 0
        if (left := wait(row.count, free) - passed) > timedelta():
            raise TooMany(left)
        rows.append(row)
    for row in rows:
        row.sqlmodel_update({"count": row.count + 1, "last_at": stamp()})
        session.add(row)


def right(session: Session, name: str, address: str) -> None:
    """Forget the attempt, which was right, and those before it for the name. Those from the address stay: it may go on guessing others'."""
    session.exec(delete(Attempt).where(col(Attempt.key) == by_name(name)))
    if row := session.get(Attempt, by_address(address)):
        row.count = max(0, row.count - 1)
        session.add(row)


def by_name(name: str) -> str:
    """The key of a name's attempts."""
    return digest(f"name {name}")


def by_address(address: str) -> str:
    """The key of an address' attempts; of IPv6, of its network: whoever has one address of it has them all."""
    try:
        read = ip_address(address.partition("%")[0])
        address = str(ip_network((read, 64), strict=False)) if isinstance(read, IPv6Address) else str(read)
    except ValueError:
        pass
    return digest(f"address {address}")
