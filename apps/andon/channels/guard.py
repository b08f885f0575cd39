"""Which addresses a typed URL may lead to: never to this machine, nor to what clouds tell machines about themselves."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
# Beside the link-local ones: where AWS, Alibaba and Azure answer a machine's questions about itself.
METADATA = frozenset(ipaddress.ip_address(text) for text in ("fd00:ec2::254", "100.100.100.200", "168.63.129.16"))
NAT64 = ipaddress.ip_network("64:ff9b::/96")
PORTS = {"http": 80, "https": 443}


class ForbiddenError(Exception):
    """The sentence says why this URL is not called."""


@dataclass(frozen=True)
class Target:
    """A URL taken apart. `where` names it in sentences: paths and queries of URLs are often secrets."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def where(self) -> str:
        return f"{self.host}:{self.port}"


def target(url: str, *, trusted: bool = False) -> Target:
    """Raises ForbiddenError. `trusted`: the plant's own settings name it, not a form."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    if parts.scheme not in PORTS or not host or parts.username is not None or any(ord(c) <= 32 for c in url):
        raise ForbiddenError(_("The address is no https:// address of a host; type it again."))
    if parts.scheme == "http" and not (trusted or _is_listed(host)):
        raise ForbiddenError(
            _("%(host)s is called by https only; to allow http name it in MFGOS_WEBHOOK_HTTP_HOSTS.") % {"host": host}
        )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or PORTS[parts.scheme], path)


def resolve(goal: Target, *, trusted: bool = False) -> list[str]:
    """The IP addresses to connect to: looked up once, so that a second answer of the name server changes nothing.

    Raises ForbiddenError when one of them may not be called, OSError when there is none.
    """
    found = socket.getaddrinfo(goal.host, goal.port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not trusted and not _is_listed(goal.host) and any(map(is_forbidden, addresses)):
        raise ForbiddenError(goal.host)
    return addresses


def is_forbidden(text: str) -> bool:
    address = _inner(ipaddress.ip_address(text.partition("%")[0]))
    return (
        address.is_loopback
        or address.is_link_local
        or address.is_unspecified
        or address.is_multicast
        or address.is_reserved
        or address in METADATA
    )


def _inner(address: IPAddress) -> IPAddress:
    """The IPv4 address that an IPv6 one stands for, if it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_listed(host: str) -> bool:
    return host in {name.lower() for name in settings.WEBHOOK_HTTP_HOSTS}
