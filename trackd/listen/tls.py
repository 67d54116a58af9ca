"""
TLS for listeners: our certificate with its chain, and its key, from PEM files.
"""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates
from OpenSSL.crypto import X509, PKey
from OpenSSL.SSL import Error
from twisted.internet.ssl import CertificateOptions


class BadCertificate(Exception):
    """Certificate or key cannot be used; the message says which file and why."""


def context(certificate: Path, key: Path) -> CertificateOptions:
    """
    A context factory for TLS listeners: the first certificate of the file is ours, those behind it are its chain.

    Raises BadCertificate.
    """
    try:
        ours, *chain = map(X509.from_cryptography, load_pem_x509_certificates(certificate.read_bytes()))
    except (OSError, ValueError) as error:
        raise BadCertificate(f"{certificate}: no certificate: {error}") from error
    try:
        private = PKey.from_cryptography_key(load_pem_private_key(key.read_bytes(), None))  # type: ignore[arg-type]
    except (OSError, ValueError, TypeError) as error:
        raise BadCertificate(f"{key}: no private key: {error}") from error
    options = CertificateOptions(privateKey=private, certificate=ours, extraCertChain=chain)
    try:
        options.getContext()
    except Error as error:
        raise BadCertificate(f"{key}: not the key of {certificate}") from error
    return options
