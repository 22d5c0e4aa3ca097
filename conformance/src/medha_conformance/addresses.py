"""Addresses as URLs: the same one at another host and port, with a password, without it."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit, urlunsplit


def at(url: str, host: str, port: int) -> str:
    """The URL with another host and port; user, password, path and query stay.

    A socket folder in the query (PostgreSQL's ``?host=/folder``) goes: the host says where the server is.
    """
    parts = urlsplit(url)
    user, at_sign, _ = parts.netloc.rpartition("@")
    query = "" if socket_folder(url) is not None else parts.query
    return urlunsplit(parts._replace(netloc=f"{user.removesuffix(':')}{at_sign}{host}:{port}", query=query))


def with_password(url: str, password: str) -> str:
    """The URL with this password, for the user it has."""
    parts = urlsplit(url)
    user, _, place = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}:{password}@{place}"))


def without_password(url: str) -> str:
    """The URL as it may be shown."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    user, _, place = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}:***@{place}"))


def socket_folder(url: str) -> str | None:
    """The folder of the Unix socket that a PostgreSQL address leads to, if it does."""
    folder = parse_qs(urlsplit(url).query).get("host", [""])[0]
    return folder if folder.startswith("/") else None
