"""A certificate authority of this computer's own, and the server's certificate from it: tablets reach the server over TLS without the internet."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pestcheck.store.photos import whole_file

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

AUTHORITY_DAYS = 3652
SERVER_DAYS = 398
"""The most that iPads take, of any authority."""
RENEW_DAYS = 30
"""A certificate with less than this left is made anew."""
EARLY = timedelta(days=1)
"""So much earlier a certificate begins: a tablet's clock may be behind."""
LOCAL_NETWORKS: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8", "fc00::/7", "::1/128")
)
"""What no public server has (RFC 1918, 6598, 3927, 4193): the authority may vouch for these, whichever of them the computer gets next."""
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2: only those with forward secrecy and authenticated encryption. Those of TLS 1.3 all are."""


class CertificateError(ValueError):
    """A certificate that cannot be used; the message says which, why, and what to do."""


@dataclass(frozen=True, slots=True)
class Names:
    """By what the tablets may call this computer."""

    hosts: tuple[str, ...]
    addresses: tuple[Address, ...]

    def __str__(self) -> str:
        return ", ".join((*self.hosts, *map(str, self.addresses)))


@dataclass(frozen=True, slots=True)
class Files:
    """Where certificates are, in a folder. Each file holds a certificate and its key, and appears as a whole: they cannot be of two makings."""

    folder: Path

    @property
    def authority(self) -> Path:
        """The authority, secret."""
        return self.folder / "authority.pem"

    @property
    def server(self) -> Path:
        """The server's certificate, secret."""
        return self.folder / "server.pem"

    @property
    def public(self) -> Path:
        """The authority's certificate without its key: what tablets are to trust."""
        return self.folder / "pestcheck-authority.crt"


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def pem(self) -> bytes:
        """Both, in one file."""
        secret = self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return self.certificate.public_bytes(serialization.Encoding.PEM) + secret

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, as tablets show it."""
        return self.certificate.fingerprint(hashes.SHA256()).hex(":").upper()


@dataclass(frozen=True, slots=True)
class Made:
    """What ``ensure`` found or made. ``left_out``: names that the authority may not vouch for. ``new_*``: made by this call."""

    authority: Pair
    server: Pair
    left_out: Names
    new_authority: bool
    new_server: bool


def ensure(folder: Path, names: Names, now: datetime | None = None) -> Made:
    """The authority and a certificate for these names, made where there is none, or where it runs out or is for other names.

    Args:
        folder: made if it is not there, for this user only.
        names: of this computer, as they are now.
        now: in UTC; None is this moment.

    Raises:
        CertificateError: the authority's file is damaged, or a file cannot be read. It is not replaced: the tablets trust that one.
        OSError: a file cannot be written.
    """
    now = now or datetime.now(UTC)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for part in folder.glob("*.part"):  # of a process that was killed while it wrote
        part.unlink()
    files = Files(folder)
    authority = _load(files.authority) if files.authority.exists() else None
    # One that begins later is kept: a clock was set back, and the tablets go by their own.
    if new_authority := authority is None or _runs_out(authority, now):
        authority = _make_authority(names, now)
        _write(files.authority, authority.pem())
    assert authority is not None
    public = authority.certificate.public_bytes(serialization.Encoding.PEM)
    if not files.public.exists() or files.public.read_bytes() != public:
        _write(files.public, public)
    names, left_out = _permitted(authority.certificate, names)
    try:
        server = _load(files.server) if files.server.exists() else None
    except CertificateError as error:
        if isinstance(error.__cause__, OSError):
            raise
        server = None  # damaged: nothing is lost with it
    if new_server := server is None or _runs_out(server, now) or _begins_later(server, now) or not _is_for(server, names, authority):
        server = _make_server(authority, names, now)
        _write(files.server, server.pem())
    assert server is not None
    return Made(authority, server, left_out, new_authority, new_server)


def context(certificate: Path, key: Path, now: datetime | None = None) -> ssl.SSLContext:
    """TLS 1.2 or 1.3 with a certificate, from files in PEM.

    Raises:
        CertificateError: a file is missing, damaged or protected by a password, the key is of another certificate, or it ran out.
    """
    now = now or datetime.now(UTC)
    texts = []
    for path in (certificate, key):
        try:
            texts.append(path.read_bytes())
        except OSError as error:
            raise CertificateError(f"{path} cannot be read: {error.strerror or error}") from error
    try:
        first = x509.load_pem_x509_certificates(texts[0])[0]
    except ValueError as error:
        raise CertificateError(f"{certificate} holds no certificate in PEM, or a damaged one") from error
    try:
        secret = serialization.load_pem_private_key(texts[1], None)
    except TypeError as error:
        raise CertificateError(f"{key} is protected by a password; the server needs it without") from error
    except ValueError as error:
        raise CertificateError(f"{key} holds no private key in PEM, or a damaged one") from error
    if secret.public_key() != first.public_key():
        raise CertificateError(f"{key} is not the key of {certificate}")
    if now >= first.not_valid_after_utc:
        raise CertificateError(f"{certificate} ran out on {first.not_valid_after_utc:%Y-%m-%d}; get a new one")
    if now < first.not_valid_before_utc:
        raise CertificateError(
            f"{certificate} is valid only from {first.not_valid_before_utc:%Y-%m-%d} on; is this computer's clock right?"
        )
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers(CIPHERS)
    try:
        made.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        raise CertificateError(f"{certificate} and {key} cannot be used: {error.reason or error}") from error
    return made


def hosts_of(certificate: Path) -> frozenset[str]:
    """The names and addresses that a certificate in PEM is for; a name may begin with ``*.``."""
    try:
        stated = x509.load_pem_x509_certificates(certificate.read_bytes())[0].extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
    except x509.ExtensionNotFound:
        return frozenset()
    names = stated.value.get_values_for_type(x509.DNSName)
    return frozenset((*(name.lower() for name in names), *map(str, stated.value.get_values_for_type(x509.IPAddress))))


def _make_authority(names: Names, now: datetime) -> Pair:
    """It may vouch for this computer's names, names in ``.local`` and addresses of local networks, and nothing else: who steals
    its key cannot pretend to be a bank."""
    key = ec.generate_private_key(ec.SECP256R1())
    own = [ipaddress.ip_network(address) for address in names.addresses if not any(address in net for net in LOCAL_NETWORKS)]
    permitted = [x509.DNSName(name) for name in dict.fromkeys((*names.hosts, "local"))]
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, f"pestcheck on {names.hosts[0]}"[:64]),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "pestcheck"),
        ]
    )
    public = key.public_key()
    builder = (
        _builder(subject, subject, public, now, now - EARLY + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage("key_cert_sign"), critical=True)
        .add_extension(x509.NameConstraints([*permitted, *(x509.IPAddress(net) for net in (*LOCAL_NETWORKS, *own))], None), critical=True)
    )
    return Pair(builder.sign(key, hashes.SHA256()), key)


def _make_server(authority: Pair, names: Names, now: datetime) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = authority.certificate
    until = min(now - EARLY + timedelta(days=SERVER_DAYS), issuer.not_valid_after_utc)
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "pestcheck")])
    builder = (
        _builder(subject, issuer.subject, key.public_key(), now, until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
        .add_extension(x509.SubjectAlternativeName(_general(names)), critical=False)
    )
    return Pair(builder.sign(authority.key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, now: datetime, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLY)
        .not_valid_after(until - timedelta(seconds=1))  # both ends belong to it
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(only: str) -> x509.KeyUsage:
    uses = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign",
        "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{use: use == only for use in uses})


def _general(names: Names) -> list[x509.GeneralName]:
    return [*map(x509.DNSName, names.hosts), *map(x509.IPAddress, names.addresses)]


def _runs_out(pair: Pair, now: datetime) -> bool:
    return now >= pair.certificate.not_valid_after_utc - timedelta(days=RENEW_DAYS)


def _begins_later(pair: Pair, now: datetime) -> bool:
    return now < pair.certificate.not_valid_before_utc


def _is_for(server: Pair, names: Names, authority: Pair) -> bool:
    try:
        server.certificate.verify_directly_issued_by(authority.certificate)
        stated = server.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return set(stated) == set(_general(names))


def _permitted(authority: x509.Certificate, names: Names) -> tuple[Names, Names]:
    """The names that the authority may vouch for, and the others."""
    allowed = authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    domains = [name.value for name in allowed if isinstance(name, x509.DNSName)]
    networks = [name.value for name in allowed if isinstance(name, x509.IPAddress)]

    def host(name: str) -> bool:
        return any(name == domain or name.endswith(f".{domain}") for domain in domains)

    def address(one: Address) -> bool:
        return any(isinstance(net, ipaddress.IPv4Network | ipaddress.IPv6Network) and one in net for net in networks)

    good = Names(tuple(filter(host, names.hosts)), tuple(filter(address, names.addresses)))
    bad = Names(
        tuple(name for name in names.hosts if name not in good.hosts), tuple(one for one in names.addresses if one not in good.addresses)
    )
    return good, bad


def _load(path: Path) -> Pair:
    try:
        text = path.read_bytes()
        path.chmod(0o600)
    except OSError as error:
        raise CertificateError(f"{path} cannot be read: {error.strerror or error}") from error
    try:
        certificate, key = x509.load_pem_x509_certificate(text), serialization.load_pem_private_key(text, None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise ValueError("another key")
    except (ValueError, TypeError) as error:
        raise CertificateError(
            f"{path} is damaged. Put it back from a copy; or remove it: a new one is made, and every tablet has to be told to trust it"
        ) from error
    return Pair(certificate, key)


def _write(path: Path, data: bytes) -> None:
    with whole_file(path) as file:  # for this user only, from the first byte on
        file.write(data)
