"""Store URIs, whose passwords are never printed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl, unquote

from photoseek.errors import QueryError

_SCHEMES: dict[str, Literal["milvus", "pgvector"]] = {
    "postgresql": "pgvector",
    "postgres": "pgvector",
    "http": "milvus",
    "https": "milvus",
}
_SECRET = ("password", "sslpassword", "passfile", "token")
_EXPECTED = "expected postgresql://USER@HOST/DATABASE, http://HOST:19530, or the path of a Milvus Lite folder, NAME.db"


@dataclass(frozen=True, repr=False)
class StoreUri:
    """URI of a store.

    Attributes:
        kind: Kind of server.
        uri: The URI as given, possibly with a password.
    """

    kind: Literal["milvus", "pgvector"]
    uri: str

    @classmethod
    def parse(cls, uri: str) -> StoreUri:
        """Parse a URI.

        Raises:
            QueryError: It is not the URI of a store.
        """
        scheme, colon, _ = uri.partition("://")
        if not colon and uri.endswith(".db") and "\0" not in uri:
            return cls("milvus", uri)
        if not colon or scheme.lower() not in _SCHEMES:
            raise QueryError(f"store: {_EXPECTED}; found {f'{scheme}://...' if colon else repr(uri)}")
        return cls(_SCHEMES[scheme.lower()], uri)

    @property
    def local(self) -> bool:
        """Whether it is a Milvus Lite folder, which is searched in this process."""
        return "://" not in self.uri

    @property
    def redacted(self) -> str:
        """The URI without password and options."""
        if self.local:
            return self.uri
        scheme, user, _, hosts, path, options = self._parts()
        hosts = hosts or dict(options).get("host", "")
        return f"{scheme}://{user}{'@' if user else ''}{hosts}{path}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """Passwords, in each spelling that a message may contain."""
        if self.local:
            return ()
        *_, password, _, _, options = self._parts()
        found = [password, *(value for name, value in options if name.lower() in _SECRET)]
        pieces = {
            piece for secret in found for piece in (secret, *secret.split("/"))
        }  # drivers end the login at a slash
        return tuple({spelling for piece in pieces if piece for spelling in (piece, unquote(piece))})

    def redact(self, text: str) -> str:
        """Return a message of a server or a driver without passwords, on one line."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return " ".join(text.split())

    def __repr__(self) -> str:
        return f"StoreUri({self.redacted!r})"

    def _parts(self) -> tuple[str, str, str, str, str, list[tuple[str, str]]]:
        """Return scheme, user, password, hosts, path and options; ``urllib`` does not support several hosts."""
        scheme, _, rest = self.uri.partition("://")
        rest, _, query = rest.partition("?")
        place, slash, path = rest.partition("/")
        login, at, hosts = place.rpartition("@")
        if not at and "@" in path:  # a password with a slash in it, which should be %2F
            login, _, hosts = rest.rpartition("@")
            hosts, slash, path = hosts.partition("/")
        user, _, password = login.partition(":")
        return scheme, user, password, hosts, slash + path, parse_qsl(query)
